//! The history does the same on SQLite and on PostgreSQL: each story runs on both.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "store/arriving.rs"]
mod arriving;
#[path = "store/history.rs"]
mod history;
#[path = "store/moving.rs"]
mod moving;
#[path = "store/outgoing.rs"]
mod outgoing;
#[path = "common/postgres.rs"]
mod postgres;
#[path = "store/retaining.rs"]
mod retaining;
#[path = "store/sample.rs"]
mod sample;
#[path = "store/saving.rs"]
mod saving;
#[path = "store/telling.rs"]
mod telling;
#[path = "store/world.rs"]
mod world;

/// Runs each story on both databases, as a test of its own.
macro_rules! stories {
    ($($room:ident: $($story:ident)*;)*) => {
        mod on_sqlite {
            $($(#[test] fn $story() { crate::world::on_sqlite(crate::$room::$story); })*)*
        }
        mod on_postgres {
            $($(#[test] fn $story() { crate::world::on_postgres(crate::$room::$story); })*)*
        }
    };
}

stories! {
    telling:
        a_new_cause_is_told_once_and_green_in_its_thread
        what_is_green_before_it_was_told_is_not_told
        keys_count_once_and_positions_go_on
        two_replicas_tell_once
        changes_and_states;
    arriving:
        what_comes_is_announced_once_each_time
        a_request_that_came_twice_is_announced_once
        a_cause_is_first_seen_once_in_each_project
        the_report_that_came_before;
    outgoing:
        the_same_is_put_once_and_done_once
        who_dies_is_followed_and_who_is_slow_changes_nothing
        what_fails_comes_again_until_nobody_hopes
        a_dead_letter_is_sent_again_or_dropped
        what_kills_is_buried
        two_replicas_take_different_things;
    saving:
        what_is_saved_is_read_back
        the_same_log_of_the_same_job_is_one_report
        a_request_that_comes_again_is_no_second_occurrence
        two_replicas_save_the_same_log_at_once
        two_replicas_lose_and_double_nothing
        lines_and_bytes_of_a_log_of_many_pieces
        a_large_log_is_an_object
        objects_are_found_by_address
        odd_texts_fit_into_the_tables;
    history:
        every_filter_finds_its_reports
        a_walk_by_cursor_meets_everything_once
        words_are_found
        a_search_among_many_reports_looks_at_windows
        a_cause_was_seen_before
        the_report_before_of_the_same_job
        trends_are_counted_by_day_and_project
        feedback_is_kept
        tokens_come_and_go
        what_is_deleted_leaves_no_row
        a_report_is_replaced_and_counts_follow
        counts_are_what_a_recount_finds
        no_query_of_the_pages_reads_all_reports;
    retaining:
        old_reports_go
        too_many_bytes_go_oldest_first
        two_replicas_retain_at_once
        what_a_crash_left_behind_goes;
    moving:
        an_export_goes_into_the_other_database_and_back
        an_import_twice_changes_nothing
        what_is_no_export_is_refused
        the_previous_version_is_brought_forward;
}
