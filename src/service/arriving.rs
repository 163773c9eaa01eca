//! Arriving: a body on its way from the async world to the reader of logs. Its beginning waits in memory, so that a small log needs no
//! thread before it is whole; the rest of a large one is read while it comes, and nobody's turn is held while the sender is silent.

use std::future::poll_fn;
use std::io::{self, Cursor, Read};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::scans::Turn;
use super::{App, IntakeError};

/// Bytes that wait in memory.
const BEGINNING: u64 = 512 * 1024;

/// The beginning of a body, and the rest if there is more.
pub(super) struct Arriving<R> {
    beginning: Vec<u8>,
    rest: Option<R>,
    until: Instant,
    silence: Duration,
}

impl<R: AsyncRead + Send + Unpin> Arriving<R> {
    /// Waits for the beginning of `body`.
    pub(super) async fn begin(mut body: R, silence: Duration, longest: Duration) -> io::Result<Arriving<R>> {
        let until = Instant::now() + longest;
        let mut beginning = Vec::with_capacity(16 * 1024);
        loop {
            let room = BEGINNING - beginning.len() as u64;
            if room == 0 {
                return Ok(Arriving { beginning, rest: Some(body), until, silence });
            }
            let mut limited = (&mut body).take(room);
            let read = limited.read_buf(&mut beginning);
            let patience = until.min(Instant::now() + silence);
            if timeout_at(patience, read).await.map_err(|_| too_slow())?? == 0 {
                return Ok(Arriving { beginning, rest: None, until, silence });
            }
        }
    }

    /// Whether more is still to come.
    pub(super) fn is_large(&self) -> bool {
        self.rest.is_some()
    }

    /// The same for a reader on a thread of its own, which works only in its `turn`.
    pub(super) fn blocking(self, app: Arc<App>, turn: Turn, waited: Arc<AtomicU64>) -> Blocking<R> {
        Blocking {
            beginning: Cursor::new(self.beginning),
            rest: self.rest,
            until: self.until,
            silence: self.silence,
            app,
            turn: Some(turn),
            waited,
            runtime: Handle::current(),
        }
    }
}

/// A body that a thread reads.
pub(super) struct Blocking<R> {
    beginning: Cursor<Vec<u8>>,
    rest: Option<R>,
    until: Instant,
    silence: Duration,
    app: Arc<App>,
    turn: Option<Turn>,
    /// Microseconds that were spent on waiting for the sender.
    waited: Arc<AtomicU64>,
    runtime: Handle,
}

impl<R: AsyncRead + Send + Unpin> Read for Blocking<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = Read::read(&mut self.beginning, into)?;
        if read > 0 || into.is_empty() {
            return Ok(read);
        }
        let Some(rest) = &mut self.rest else { return Ok(0) };
        let (app, turn, waited) = (&self.app, &mut self.turn, &self.waited);
        let patience = self.until.min(Instant::now() + self.silence);
        self.runtime.block_on(async {
            let mut at_once = true;
            let read = poll_fn(|context| {
                let mut buffer = ReadBuf::new(into);
                match Pin::new(&mut *rest).poll_read(context, &mut buffer) {
                    Poll::Ready(done) => Poll::Ready(done.map(|()| buffer.filled().len())),
                    Poll::Pending => {
                        at_once = false;
                        // Others work while this sender is silent.
                        drop(turn.take());
                        Poll::Pending
                    }
                }
            });
            let since = Instant::now();
            let read = timeout_at(patience, pin!(read)).await.map_err(|_| too_slow())??;
            if !at_once {
                *turn = Some(app.scans.next_turn().await.map_err(|_| io::ErrorKind::ConnectionAborted)?);
                waited.fetch_add(since.elapsed().as_micros() as u64, Ordering::Relaxed);
            }
            Ok(read)
        })
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nothing came for too long")
}

impl From<super::scans::Full> for IntakeError {
    fn from(_: super::scans::Full) -> IntakeError {
        IntakeError::Busy
    }
}
