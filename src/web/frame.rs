//! Frame: what stands around every page.

use crate::service::App;

/// What the head and the foot of a page show.
pub(super) struct Frame {
    /// The entry of the menu that this page belongs to, or nothing.
    pub(super) here: &'static str,
    /// Rules in use; 0 where that is not known.
    pub(super) rules: usize,
}

impl Frame {
    /// The frame of a page that belongs to the entry `here`.
    pub(super) fn of(app: &App, here: &'static str) -> Frame {
        Frame { here, rules: app.engine().rules().len() }
    }

    /// The frame of a page that is made without the service's parts.
    pub(super) fn plain() -> Frame {
        Frame { here: "", rules: 0 }
    }
}
