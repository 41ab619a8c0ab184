@0x8d1449937cad8257;
# Version 1 of podherd.capnp, as it was: what clients and servers of that version speak.
#
# What Podherd offers on top of the conmon-rs protocol. The bootstrap capability of a Podherd
# server answers both interfaces; a server without this one answers "unimplemented".
#
# How it grows: methods and fields are added at the end and never change their meaning.
# `serverInfo` tells a client what the server at hand can do, so that an old client on a new
# server and a new client on an old server go on working.

using Conmon = import "/conmon.capnp".Conmon;

interface Podherd @0xf56612584854fc60 extends(Conmon) {

    struct ServerInfo {
        schemaVersion @0 :UInt32;
        # Raised by one with every addition to this file.
        version @1 :Text;
        # Version of the server, as in `version`.
        processId @2 :UInt32;
        runtimePath @3 :Text;
        runtimeDir @4 :Text;
        runtimeRoot @5 :Text;
        # Empty where the runtime's own default holds.
        features @6 :List(Text);
        # Names of optional parts, as docs/wire.md lists them.
    }

    serverInfo @0 () -> (info :ServerInfo);
    # What this server is and can do.

    enum ContainerState {
        # In the order of a container's life; a container never goes back.
        creating @0;
        created @1;
        running @2;
        exited @3;
    }

    struct Timestamp {
        # A moment by the wall clock. All zero: not known, or not yet.
        seconds @0 :Int64;
        # Unix seconds.
        nanoseconds @1 :UInt32;
    }

    enum ExitKnowledge {
        # Whether the exit code is a fact, and if it isn't, why.
        known @0;
        endedUnwatched @1;
        # It ended while no server watched it.
        statusUnavailable @2;
        # It was not a child of the server and the kernel gave no status.
    }

    struct ExitState {
        # What is known of an end. Code and signal are separate; exactly one of them is meaningful.
        knowledge @0 :ExitKnowledge;
        # Unless `known`, neither code nor signal means anything.
        exitCode @1 :Int32;
        # -1 when ended by a signal, or not known.
        signal @2 :UInt32;
        # 0 when it exited by itself, or not known.
        coreDumped @3 :Bool;
        oomKilled @4 :Bool;
        logComplete @5 :Bool;
        # False when output could not be read to its end, or could not be written.
        journaled @6 :Bool;
        # False when the record on disk was not complete in time; the state here is right all the same.
        exitedAt @7 :Timestamp;
    }

    struct ContainerStatus {
        id @0 :Text;
        state @1 :ContainerState;
        pid @2 :UInt32;
        # Of init, while it lives; 0 afterwards.
        bundlePath @3 :Text;
        terminal @4 :Bool;
        createdAt @5 :Timestamp;
        startedAt @6 :Timestamp;
        exit @7 :ExitState;
        # Null until the state is `exited`.
        logPaths @8 :List(Text);
        droppedLogBytes @9 :UInt64;
        # Bytes of output that no sink could take (a full disk, for example).
    }

    start @1 (id :Text) -> ();
    # Run the runtime's `start` for a created container.

    enum KillTarget {
        init @0;
        # The container's first process.
        all @1;
        # Every process in the container's cgroup.
    }

    kill @2 (id :Text, signal :UInt32, target :KillTarget) -> ();
    # Send a signal (by its number). An error when the container is not alive.

    delete @3 (id :Text, force :Bool) -> ();
    # Forget an ended container and delete the runtime's state of it. With `force` one that lives is killed first.

    containerStatus @4 (id :Text) -> (status :ContainerStatus);

    listContainers @5 () -> (containers :List(ContainerStatus));
    # All that are kept, ended ones included, in the order of their creation.

    waitContainer @6 (id :Text, until :ContainerState, timeoutMillis :UInt64) -> (status :ContainerStatus, reached :Bool);
    # Answer when the container has reached the state `until` or a later one, or when the time is over
    # (`reached` is false then). At most 10 minutes at a time: a client that wants longer asks again,
    # which costs the server less than a call that is cancelled.

    struct ReaperStatus {
        spawned @0 :UInt64;
        # Processes that the server started.
        reaped @1 :UInt64;
        # Processes whose end was collected, orphans included.
        orphans @2 :UInt64;
        # Those among them that the server had not started and did not watch.
        openClaims @3 :UInt32;
        watched @4 :UInt32;
        # Processes watched now.
        zombiesNow @5 :UInt32;
        # Ended processes whose end is not collected yet; 0 whenever the loop is idle.
        unclaimedExits @6 :UInt32;
        # Exits kept for open claims.
    }

    reaperStatus @7 () -> (status :ReaperStatus);
}
