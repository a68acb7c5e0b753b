//! The macros that turn a suite into tests.

/// The contract of [`Store`](crate::ports::Store), but for its outbox: see [`conformance`](crate::conformance).
#[macro_export]
macro_rules! store_conformance {
    (run = $run:expr, guarded $make:expr) => {
        $crate::conformance_cases!($run, $make, $crate::ports::Store, async store [
            a_new_store_is_empty,
            a_commit_is_read_at_once,
            a_batch_refused_at_its_last_change_leaves_no_trace,
            awkward_text_is_kept_as_it_is,
            a_large_record_comes_back_whole,
            a_batch_of_many_changes_is_one,
            a_patient_commit_is_a_commit,
            an_empty_batch_does_nothing_but_check_its_guards,
        ]);
        $crate::conformance_cases!($run, $make, $crate::ports::Store, async records [
            get_answers_in_the_order_of_the_keys_also_for_absent_and_repeated_ones,
            scan_gives_what_begins_with_the_prefix_in_the_order_of_bytes,
            scan_takes_nothing_special_in_a_prefix,
            scan_keeps_to_after_before_and_limit,
            every_write_of_a_record_raises_its_revision,
            a_record_made_anew_never_has_an_earlier_revision,
            a_guard_that_holds_lets_the_batch_pass,
            a_guard_that_moved_writes_nothing,
            guards_see_the_state_before_the_changes_of_their_batch,
            changes_of_one_record_take_effect_in_order,
            deleting_what_is_not_there_does_nothing,
            a_counter_reaches_its_limit_and_not_one_more,
            a_counter_counts_every_change_of_one_batch,
            a_counter_never_goes_below_zero,
        ]);
        $crate::conformance_cases!($run, $make, $crate::ports::Store, async logs [
            appended_entries_are_numbered_from_one_without_gaps,
            an_entry_id_that_is_taken_is_a_conflict,
            an_entry_that_is_not_kept_takes_its_place_but_is_not_found,
            an_entry_that_is_kept_aside_is_found_and_leaves_the_last_moment,
            a_moment_before_the_last_entry_is_lifted_to_it,
            replacing_an_entry_keeps_its_place_and_moment,
            replacing_an_entry_that_is_not_there_is_a_conflict,
            replacing_an_entry_that_moved_since_it_was_read_is_a_conflict,
            a_removed_entry_is_gone_and_its_place_stays_empty,
            trim_removes_the_oldest_up_to_a_moment_and_a_limit,
            a_stream_is_forgotten_only_once_it_is_empty,
            a_stream_dropped_and_refused_in_one_batch_is_still_there,
            heads_answer_in_the_order_of_the_streams,
            time_bounds_are_inclusive,
            paging_visits_each_entry_once_in_both_orders_while_new_ones_come,
            a_page_goes_on_behind_an_entry_that_was_removed,
        ]);
        $crate::conformance_cases!($run, $make, $crate::ports::Store, async model [
            random_commands_give_the_same_answers_as_a_model,
        ]);
        $crate::conformance_cases!($run, $make, $crate::ports::Store, threads race [
            many_writers_of_one_stream_lose_nothing_and_leave_no_gap,
            each_of_many_streams_keeps_its_order_in_the_outbox,
            of_writers_guarded_on_one_revision_exactly_one_wins,
            no_update_is_lost_when_writers_try_again,
            concurrent_counting_never_passes_the_limit,
            an_entry_id_is_given_once_among_many_writers,
            what_one_commit_wrote_is_never_seen_in_part,
            a_reader_never_sees_a_record_go_back,
        ]);
    };
    (run = $run:expr, $make:expr) => {
        $crate::store_conformance!(run = $run, guarded async { ($make.await, ()) });
    };
    (guarded $make:expr) => {
        $crate::store_conformance!(run = $crate::conformance::block_on, guarded $make);
    };
    ($make:expr) => {
        $crate::store_conformance!(run = $crate::conformance::block_on, $make);
    };
}

/// The contract of a store's [`Outbox`](crate::ports::Outbox): see [`conformance`](crate::conformance).
#[macro_export]
macro_rules! outbox_conformance {
    (run = $run:expr, guarded $make:expr) => {
        $crate::conformance_cases!($run, $make, $crate::ports::Store, async outbox [
            announcements_come_in_the_order_of_commits_appends_first,
            an_appended_entry_announces_its_id_place_and_moment,
            a_commit_tells_the_position_of_its_last_announcement,
            reading_goes_on_after_a_position_and_keeps_to_the_limit,
            what_was_announced_does_not_change_with_its_entry,
            what_is_not_settled_stays_and_settling_never_goes_back,
            waiting_for_what_is_there_ends_at_once,
        ]);
        $crate::conformance_cases!($run, $make, $crate::ports::Store, threads outbox [
            one_who_waits_is_woken_by_the_next_announcement,
        ]);
    };
    (run = $run:expr, $make:expr) => {
        $crate::outbox_conformance!(run = $run, guarded async { ($make.await, ()) });
    };
    (guarded $make:expr) => {
        $crate::outbox_conformance!(run = $crate::conformance::block_on, guarded $make);
    };
    ($make:expr) => {
        $crate::outbox_conformance!(run = $crate::conformance::block_on, $make);
    };
}

/// The contract of [`Bus`](crate::ports::Bus): see [`conformance`](crate::conformance).
#[macro_export]
macro_rules! bus_conformance {
    (run = $run:expr, guarded $make:expr) => {
        $crate::conformance_cases!($run, $make, $crate::ports::Bus, async bus [
            every_subscriber_receives_everything_in_order,
            a_subscriber_receives_what_is_published_from_then_on,
            publishing_without_subscribers_is_well,
            a_subscriber_that_left_holds_nobody_up,
        ]);
        $crate::conformance_cases!($run, $make, $crate::ports::Bus, threads bus [
            a_slow_subscriber_loses_nothing,
        ]);
    };
    (run = $run:expr, $make:expr) => {
        $crate::bus_conformance!(run = $run, guarded async { ($make.await, ()) });
    };
    (guarded $make:expr) => {
        $crate::bus_conformance!(run = $crate::conformance::block_on, guarded $make);
    };
    ($make:expr) => {
        $crate::bus_conformance!(run = $crate::conformance::block_on, $make);
    };
}

/// The contract of [`Blobs`](crate::ports::Blobs): see [`conformance`](crate::conformance).
#[macro_export]
macro_rules! blobs_conformance {
    (run = $run:expr, guarded $make:expr) => {
        $crate::conformance_cases!($run, $make, $crate::ports::Blobs, async blobs [
            a_blob_comes_back_as_it_was_put,
            a_blob_takes_the_place_of_one_with_its_name,
            a_deleted_blob_is_gone_and_deleting_again_does_nothing,
            a_name_may_begin_like_another,
            a_name_that_steps_out_is_refused,
        ]);
        $crate::conformance_cases!($run, $make, $crate::ports::Blobs, threads blobs [
            a_blob_is_never_seen_in_part,
        ]);
    };
    (run = $run:expr, $make:expr) => {
        $crate::blobs_conformance!(run = $run, guarded async { ($make.await, ()) });
    };
    (guarded $make:expr) => {
        $crate::blobs_conformance!(run = $crate::conformance::block_on, guarded $make);
    };
    ($make:expr) => {
        $crate::blobs_conformance!(run = $crate::conformance::block_on, $make);
    };
}

/// The contract of [`Clock`](crate::ports::Clock), of one that flows: see [`conformance`](crate::conformance).
#[macro_export]
macro_rules! clock_conformance {
    (run = $run:expr, guarded $make:expr) => {
        $crate::conformance_cases!($run, $make, $crate::ports::Clock, async clock [
            time_does_not_go_back,
            waiting_for_the_past_ends_at_once,
            a_wait_ends_when_the_clock_shows_the_moment_and_not_before,
        ]);
    };
    (run = $run:expr, $make:expr) => {
        $crate::clock_conformance!(run = $run, guarded async { ($make.await, ()) });
    };
    (guarded $make:expr) => {
        $crate::clock_conformance!(run = $crate::conformance::block_on, guarded $make);
    };
    ($make:expr) => {
        $crate::clock_conformance!(run = $crate::conformance::block_on, $make);
    };
}

/// The contract of [`Notifier`](crate::ports::Notifier), with a recipient that it reaches: see
/// [`conformance`](crate::conformance).
#[macro_export]
macro_rules! notify_conformance {
    (run = $run:expr, $make:expr, $recipient:expr) => {
        #[test]
        fn a_reachable_recipient_is_notified() {
            let notifier = ::std::sync::Arc::new($crate::conformance::drive($run, $make));
            let case = $crate::conformance::notify::a_reachable_recipient_is_notified(notifier, $recipient);
            $crate::conformance::drive($run, case);
        }

        #[test]
        fn handing_one_over_again_is_well() {
            let notifier = ::std::sync::Arc::new($crate::conformance::drive($run, $make));
            let case = $crate::conformance::notify::handing_one_over_again_is_well(notifier, $recipient);
            $crate::conformance::drive($run, case);
        }

        #[test]
        fn several_threads_may_notify() {
            let notifier = ::std::sync::Arc::new($crate::conformance::drive($run, $make));
            $crate::conformance::notify::several_threads_may_notify(notifier, $recipient, $run);
        }
    };
    ($make:expr, $recipient:expr) => {
        $crate::notify_conformance!(run = $crate::conformance::block_on, $make, $recipient);
    };
}

/// The contract of [`Sink`](crate::ports::Sink): see [`conformance`](crate::conformance).
///
/// Takes a future of a sink and of a [`Reader`](crate::conformance::sink::Reader) of what arrived.
#[macro_export]
macro_rules! sink_conformance {
    (run = $run:expr, $make:expr) => {
        $crate::sink_conformance!(cases $run, $make, [
            what_is_taken_arrives_as_it_is_and_in_order_for_each_key,
            a_record_handed_over_again_does_no_harm,
            a_record_of_nearly_a_mebibyte_arrives_whole,
            a_run_of_more_than_a_thousand_arrives,
            destinations_are_apart,
            what_was_refused_is_taken_once_the_sink_is_back,
        ]);

        #[test]
        fn several_threads_may_hand_over() {
            let run: $crate::conformance::Run = $run;
            let (sink, reader) = $crate::conformance::drive(run, $make);
            $crate::conformance::sink::several_threads_may_hand_over(::std::sync::Arc::new(sink), &reader, run);
        }
    };
    (cases $run:expr, $make:expr, [$($case:ident),* $(,)?]) => {
        $(
            #[test]
            fn $case() {
                let run: $crate::conformance::Run = $run;
                run(::std::boxed::Box::pin(async {
                    let (sink, reader) = $make.await;
                    $crate::conformance::sink::$case(::std::sync::Arc::new(sink), &reader).await;
                }));
            }
        )*
    };
    ($make:expr) => {
        $crate::sink_conformance!(run = $crate::conformance::block_on, $make);
    };
}

/// What a durable [`Store`](crate::ports::Store) keeps from one opening to the next.
///
/// Takes a closure from a path to a future of the store there, and a function that gives a fresh directory for each
/// test (anything that is `AsRef<Path>`; it is dropped at the end).
#[macro_export]
macro_rules! store_durability {
    (run = $run:expr, $open:expr, $directory:expr) => {
        #[test]
        fn records_counters_streams_and_revisions_survive() {
            let directory = $directory;
            let path = ::std::path::Path::join(::std::convert::AsRef::as_ref(&directory), "store");
            $crate::conformance::survive::records_counters_streams_and_revisions_survive($open, &path, $run);
        }

        #[test]
        fn a_revision_does_not_come_again_after_opening() {
            let directory = $directory;
            let path = ::std::path::Path::join(::std::convert::AsRef::as_ref(&directory), "store");
            $crate::conformance::survive::a_revision_does_not_come_again_after_opening($open, &path, $run);
        }

        #[test]
        fn what_is_not_settled_survives_and_positions_go_on() {
            let directory = $directory;
            let path = ::std::path::Path::join(::std::convert::AsRef::as_ref(&directory), "store");
            $crate::conformance::survive::what_is_not_settled_survives_and_positions_go_on(
                $open, &path, $run,
            );
        }
    };
    ($open:expr, $directory:expr) => {
        $crate::store_durability!(run = $crate::conformance::block_on, $open, $directory);
    };
}
