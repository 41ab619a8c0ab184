//! The reaper among real processes.
//!
//! A subreaper, a wait for any child and the handling of SIGCHLD belong to a whole process, so that
//! each scenario runs in one of its own. This executable plays all parts:
//!
//! - `scenarios [PART OF A NAME]` runs the scenarios one after the other (`cargo test`);
//! - `scenarios run NAME` runs one in this process;
//! - `scenarios act STEP…` is a program of a scenario: see `act`.

#![allow(
    clippy::disallowed_methods,
    reason = "the runner is no server: it starts and ends the scenarios itself"
)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod act;
mod cgroups;
mod claims;
mod evidence;
mod going_to_background;
mod guards;
mod leftovers;
mod namespaces;
mod orphans;
mod pid_reuse;
mod routing;
mod runner;
mod spawning;
mod stage;
mod zombie_time;

/// A scenario: its name, how it is started, and what it does.
struct Scenario {
    name: &'static str,
    own_pid_namespace: bool,
    body: fn(),
}

macro_rules! scenarios {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($(Scenario {
            name: concat!(stringify!($module), "::", stringify!($name)),
            own_pid_namespace: $module::OWN_PID_NAMESPACE,
            body: $module::$name,
        }),+),+]
    };
}

const SCENARIOS: &[Scenario] = scenarios! {
    orphans: none_stays_a_zombie, a_claim_finds_one_that_ended, a_claim_finds_one_that_lives, none_is_told_twice;
    routing: a_thousand_statuses_beside_failing_spawns, signals_and_cores, a_stopped_process_has_not_ended,
        many_wait_for_one_and_some_give_up, child_signal_ignored_and_blocked_by_the_parent;
    pid_reuse: bearers_that_ended, a_bearer_that_lives;
    claims: nothing_is_kept_after_error_timeout_and_cancellation, what_is_refused, an_end_before_the_claim_is_not_found;
    guards: a_drop_kills_descendants, a_disarmed_guard_kills_nobody, a_killed_tree_is_collected, a_forking_tree_is_killed, everything_is_killed;
    leftovers: nothing_left, alone_it_belongs_to_the_call, another_claim_spares_it, its_group_gives_it_away,
        an_open_pipe_gives_it_away, the_watched_and_the_older_are_left_alone, one_that_is_ending_is_waited_for;
    evidence: written_before_the_zombie_is_gone, late_once_and_never_again, a_panic_costs_the_record_alone;
    spawning: what_fails_says_why, a_full_descriptor_table_loses_no_child, exactly_the_passed_descriptors,
        a_clean_start, what_the_process_changed_is_given_back, environment_and_directory;
    namespaces: each_kind_is_new_alone_and_together, a_pid_namespace_is_its_programs, a_user_namespace_is_owned_until_ids_are_mapped,
        an_init_collects_orphans, an_end_takes_all_with_it, an_init_is_deaf, what_fails_leaves_nothing, a_limit_is_named;
    cgroups: all_are_killed, all_are_signalled, our_own_is_refused, a_missing_one_is_empty;
    zombie_time: counts_from_the_signal_while_the_loop_is_held, counts_the_wait_for_a_record_and_no_idle_time;
    going_to_background: the_parent_learns_how_it_ended, not_with_threads;
};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((part, steps)) if part == "act" => act::act(steps),
        Some((part, rest)) if part == "run" => {
            let scenario = SCENARIOS
                .iter()
                .find(|scenario| rest.first().is_some_and(|name| name == scenario.name));
            (scenario.expect("a scenario's name").body)();
        }
        _ => runner::run_all(
            args.iter()
                .find(|arg| !arg.starts_with('-'))
                .map_or("", String::as_str),
        ),
    }
}
