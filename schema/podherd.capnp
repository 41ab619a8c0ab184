@0x8d1449937cad8257;
# What Podherd offers on top of the conmon-rs protocol. The bootstrap capability of a Podherd
# server answers both interfaces; a server without this one answers "unimplemented".
#
# How it grows: methods and fields are added at the end and never change their meaning.
# `serverInfo` tells a client what the server at hand can do, so that an old client on a new
# server and a new client on an old server go on working.

using Conmon = import "conmon.capnp".Conmon;

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
        instance @7 :Text;
        # Names this life of the server: event sequence numbers count within it.
        startedAt @8 :Timestamp;
        runtimeName @9 :Text;
        # What the runtime calls itself ("runc", "crun"); empty when it does not say, or was not needed yet.
        runtimeVersion @10 :Text;
    }

    serverInfo @0 () -> (info :ServerInfo);
    # What this server is and can do.

    # Requests carry an OpenTelemetry context (`traceparent`, `tracestate`) in `metadata`, as those
    # of the compatible interface do.

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
        labels @10 :List(Conmon.MapEntry);
        # As given at `create`, in that order.
        stopSignal @11 :UInt32;
        # What `stop` sends first.
        stopGraceMillis @12 :UInt64;
        # How long `stop` waits after it.
        rateLimit @13 :RateLimit;
        # Null: none.
        heldBackNanos @14 :UInt64;
        # How long its output was held back by the rate limit, in all.
        execs @15 :UInt32;
        # Execs that run in it.
    }

    start @1 (id :Text, metadata :List(Conmon.MapEntry)) -> ();
    # Run the runtime's `start` for a created container.

    enum KillTarget {
        init @0;
        # The container's first process.
        all @1;
        # Every process in the container's cgroup.
    }

    kill @2 (id :Text, signal :UInt32, target :KillTarget, metadata :List(Conmon.MapEntry)) -> ();
    # Send a signal (by its number). An error when the container is not alive.

    delete @3 (id :Text, force :Bool, metadata :List(Conmon.MapEntry)) -> ();
    # Forget an ended container and delete the runtime's state of it. With `force` one that lives is killed first.

    containerStatus @4 (id :Text, metadata :List(Conmon.MapEntry)) -> (status :ContainerStatus);

    struct LabelSelector {
        # What a container's labels have to be.
        key @0 :Text;
        union {
            exists @1 :Void;
            # It has this label, whatever its value.
            value @2 :Text;
            # It has this label with this value.
        }
    }

    listContainers @5 (states :List(ContainerState), labels :List(LabelSelector), metadata :List(Conmon.MapEntry))
        -> (containers :List(ContainerStatus), instance :Text, nextSequence :UInt64);
    # Those that are kept, ended ones included, in the order of their creation: in one of `states`,
    # unless that is empty, and matching all of `labels`. What happens after this answer was made is in
    # the events from `nextSequence` on.

    waitContainer @6 (id :Text, until :ContainerState, timeoutMillis :UInt64, metadata :List(Conmon.MapEntry))
        -> (status :ContainerStatus, reached :Bool);
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
        longestZombieNanos @7 :UInt64;
        # The longest time between the server's notice of an end and its collection.
    }

    reaperStatus @7 () -> (status :ReaperStatus);

    # ---- create and stop

    enum Preflight {
        # What is done with what `validateBundle` would find, before the runtime is started.
        off @0;
        warn @1;
        # Findings are answered, and the container is created all the same.
        enforce @2;
        # An error among them refuses the create: `PREFLIGHT_FAILED`. Nothing was spawned then.
    }

    struct RateLimit {
        # A bound on what a container may write. Past it the container is held back, as by a full pipe;
        # nothing is lost.
        bytesPerSecond @0 :UInt64;
        # 0: no limit.
        burstBytes @1 :UInt64;
        # What may be written at once after a time of silence; 0: what comes in one second.
    }

    struct CreateRequest {
        # Everything that the compatible `createContainer` takes, and more.
        container @0 :Conmon.CreateContainerRequest;
        labels @1 :List(Conmon.MapEntry);
        # Kept with the container and answered with its status. Keys are not empty and not repeated.
        preflight @2 :Preflight;
        stopSignal @3 :UInt32;
        # What `stop` sends first; 0: SIGTERM.
        stopGraceMillis @4 :UInt64 = 10000;
        # How long `stop` waits after it before everything is killed.
        rateLimit @5 :RateLimit;
        # Null: none.
        logMaxFiles @6 :UInt32;
        # Rotated files (`LogDriver.maxSize`) that are kept beside the current one; 0: all.
    }

    create @8 (request :CreateRequest) -> (pid :UInt32, findings :List(Finding));
    # As `createContainer`. The findings are those of the preflight.

    stop @9 (id :Text, signal :UInt32, graceMillis :Int64 = -1, metadata :List(Conmon.MapEntry))
        -> (status :ContainerStatus, killed :Bool);
    # Send the stop signal to init, wait, and kill every process of the container if it has not ended by then.
    # Answers when the end is published; at once for one that has ended. Signal 0 and grace -1: the container's own.
    # `killed`: the time of grace was not enough. Once begun it is carried through, whatever becomes of the caller.

    # ---- streams over the connection

    interface ByteSink @0x98fe20644c83d451 {
        # Where bytes go. Each call is answered when its bytes are taken: who sends them has a bounded
        # number of calls open, and so is held back by a slow reader.
        write @0 (data :Data) -> stream;
        end @1 () -> ();
        # Nothing more will be written. After it, and when the sink is released, it is closed.
    }

    enum SessionEnd {
        exited @0;
        # The process has ended; `exit` says how.
        running @1;
        # It has not ended within the time.
        behind @2;
        # An attach session took its output too slowly and was given up; the process goes on.
    }

    interface Session @0xb854ffa077b66d73 {
        # One caller's hold on the streams of a process. Releasing it ends the session: an exec is killed with
        # all that came of it, an attached container goes on.
        resize @0 (columns :UInt16, rows :UInt16) -> ();
        # Set the terminal's size; `NO_TERMINAL` without one.
        signal @1 (signal :UInt32) -> ();
        # To the exec's process, or to the container's init.
        wait @2 (timeoutMillis :UInt64) -> (end :SessionEnd, exit :ExitState);
        # Answers when the process has ended and all its output was taken, or when the time is over. At most 10 minutes
        # at a time. What the exit state says of logs holds for containers only.
    }

    struct ExecRequest {
        id @0 :Text;
        # The container.
        command @1 :List(Text);
        terminal @2 :Bool;
        stdin @3 :Bool;
        # Whether it has an input; otherwise it reads an end of file.
        columns @4 :UInt16;
        # The terminal's size at its start; 0: the kernel's.
        rows @5 :UInt16;
        environment @6 :List(Text);
        # `KEY=value`, beside the container's own.
        workingDirectory @7 :Text;
        # Empty: the container's own.
        user @8 :Text;
        # `UID` or `UID:GID`; empty: the container's own.
        timeoutMillis @9 :UInt64;
        # After this the command is killed; 0: never.
        sessionId @10 :Text;
        # By which `attach` finds it while it runs (`execSessionId` of the compatible interface). Empty: it doesn't.
        cgroupManager @11 :Conmon.CgroupManager;
        metadata @12 :List(Conmon.MapEntry);
    }

    exec @10 (request :ExecRequest, stdout :ByteSink, stderr :ByteSink)
        -> (session :Session, stdin :ByteSink, execId :UInt64, pid :UInt32);
    # Run a command in a running container and hand on its streams while it runs. With a terminal everything comes as
    # stdout. A null sink discards. `stdin` is null for a command without input. Answered when the command runs.

    struct AttachRequest {
        id @0 :Text;
        execSessionId @1 :Text;
        # Attach to this exec's streams instead.
        stdin @2 :Bool;
        # Whether input will be sent; an end of it closes the input for everybody.
        metadata @3 :List(Conmon.MapEntry);
    }

    attach @11 (request :AttachRequest, stdout :ByteSink, stderr :ByteSink) -> (session :Session, stdin :ByteSink);
    # Take part in a container's streams: output from now on, and its input. `stdin` is null where there is none.

    # ---- events

    struct Event {
        # Something that has happened. Numbers begin with 1 in each life of the server, without holes.
        sequence @0 :UInt64;
        at @1 :Timestamp;
        containerId @2 :Text;
        union {
            created :group {
                pid @3 :UInt32;
                labels @4 :List(Conmon.MapEntry);
            }
            started @5 :Void;
            exited @6 :ExitState;
            # The same as the status has from then on.
            oomKilled @7 :Void;
            # The kernel killed a process of the container for memory; init may live on.
            execStarted :group {
                execId @8 :UInt64;
                pid @9 :UInt32;
                command @10 :List(Text);
            }
            execExited :group {
                execId @11 :UInt64;
                exit @12 :ExitState;
                # Of an exec that ran. Null: the command could not be started, and there was no `execStarted`.
                failure @13 :Text;
                # Then: `CODE: message`.
            }
            logDropped :group {
                droppedBytes @14 :UInt64;
                # In all, by now.
                reason @15 :Text;
            }
            heldBack :group {
                holding @16 :Bool;
                # Whether the rate limit holds it back now.
                totalNanos @17 :UInt64;
                # In all, by now.
            }
            attached :group {
                clientId @18 :UInt64;
                execSessionId @19 :Text;
            }
            detached :group {
                clientId @20 :UInt64;
                reason @21 :DetachReason;
            }
            deleted @22 :Void;
            # Deleted, or forgotten for newer ones.
        }
    }

    enum DetachReason {
        left @0;
        # The client has gone.
        ended @1;
        # The output has ended.
        behind @2;
        # It took its output too slowly.
        shutdown @3;
    }

    interface EventSink @0xaeef0dde4b0f90a9 {
        push @0 (events :List(Event), lost :UInt64) -> ();
        # In order of their sequence, each once. `lost`: how many before the first of these can't be had any more.
        # The next call is made when this one is answered.
    }

    struct EventStart {
        union {
            now @0 :Void;
            # What happens after this call.
            oldest @1 :Void;
            # With all that are kept.
            sequence @2 :UInt64;
            # From this one on, included.
        }
        instance @3 :Text;
        # Whose sequence it is: when that isn't this server's (`ServerInfo.instance`), it is begun with the oldest.
        # Empty: this server's.
    }

    interface EventWatch @0xfdaba6736ba31bb2 {
        # A watch; releasing it ends it.
    }

    watchEvents @12 (sink :EventSink, start :EventStart, metadata :List(Conmon.MapEntry))
        -> (watch :EventWatch, instance :Text, nextSequence :UInt64, resumed :Bool);
    # Watch what happens to all containers. `resumed`: the instance that was asked for is this one.
    # `nextSequence`: the first that happens after this call.

    # ---- stats

    struct Pressure {
        # Pressure stall information (Documentation/accounting/psi.rst of the kernel). All zero where there is none.
        available @0 :Bool;
        someTotalMicros @1 :UInt64;
        fullTotalMicros @2 :UInt64;
        someAvg10 @3 :Float64;
        # Percent.
        fullAvg10 @4 :Float64;
        someAvg60 @5 :Float64;
        fullAvg60 @6 :Float64;
        someAvg300 @7 :Float64;
        fullAvg300 @8 :Float64;
    }

    struct ContainerStats {
        # From the container's cgroup; what its version or its controllers do not tell is 0.
        id @0 :Text;
        at @1 :Timestamp;
        cgroupVersion @2 :UInt32;
        # 1 or 2; 0: it has no cgroup of its own, and only the log's figures are known.
        cpu :group {
            usageNanos @3 :UInt64;
            userNanos @4 :UInt64;
            systemNanos @5 :UInt64;
            periods @6 :UInt64;
            throttledPeriods @7 :UInt64;
            throttledNanos @8 :UInt64;
            pressure @9 :Pressure;
        }
        memory :group {
            usageBytes @10 :UInt64;
            # With the page cache.
            workingSetBytes @11 :UInt64;
            # Usage without inactive file pages, as the kubelet counts it.
            anonymousBytes @12 :UInt64;
            fileBytes @13 :UInt64;
            swapBytes @14 :UInt64;
            peakBytes @15 :UInt64;
            limitBytes @16 :UInt64;
            # 0: none.
            oomKills @17 :UInt64;
            pressure @18 :Pressure;
        }
        pids :group {
            current @19 :UInt64;
            limit @20 :UInt64;
            # 0: none.
        }
        io :group {
            readBytes @21 :UInt64;
            writeBytes @22 :UInt64;
            readOperations @23 :UInt64;
            writeOperations @24 :UInt64;
            pressure @25 :Pressure;
        }
        log :group {
            bytes @26 :UInt64;
            # Read of its output so far.
            droppedBytes @27 :UInt64;
            heldBackNanos @28 :UInt64;
        }
    }

    struct ServerStats {
        at @0 :Timestamp;
        userNanos @1 :UInt64;
        systemNanos @2 :UInt64;
        residentBytes @3 :UInt64;
        anonymousBytes @4 :UInt64;
        descriptors @5 :UInt32;
        threads @6 :UInt32;
        connections @7 :UInt32;
        containers @8 :UInt32;
        # That are kept, ended ones included.
        living @9 :UInt32;
        execs @10 :UInt32;
        # That run.
        eventWatches @11 :UInt32;
        nextSequence @12 :UInt64;
    }

    stats @13 (ids :List(Text), metadata :List(Conmon.MapEntry)) -> (containers :List(ContainerStats), server :ServerStats);
    # Of these containers, which have to live; of all that live when `ids` is empty.

    # ---- preflight

    enum Severity {
        warning @0;
        # It may fail, or can't be known.
        error @1;
        # The runtime will refuse it, or the command will not start.
    }

    struct Finding {
        severity @0 :Severity;
        code @1 :Text;
        # Stable; docs/preflight.md lists them.
        place @2 :Text;
        # A JSON pointer into config.json (RFC 6901), such as "/process/args/0"; empty: the bundle as a whole.
        message @3 :Text;
    }

    validateBundle @14 (bundlePath :Text, terminal :Bool, metadata :List(Conmon.MapEntry)) -> (findings :List(Finding));
    # What is wrong with a bundle, as far as it can be known without the runtime. `terminal`: as create would be asked.

    # ---- the server's end

    enum ShutdownMode {
        kill @0;
        # End all containers, as SIGTERM does.
    }

    shutdown @15 (mode :ShutdownMode, metadata :List(Conmon.MapEntry)) -> ();
    # End the server. Answered when it has begun; it is done when the connection is closed and the process has ended.
}
