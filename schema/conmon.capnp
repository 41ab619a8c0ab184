@0xffaaf7385bc4adad;
# The interface that clients of conmon-rs speak (CRI-O among them), complete and compatible to the byte.
#
# Ids, ordinals and types are the protocol and never change here. What Podherd adds stands in
# podherd.capnp, as an interface of its own that extends this one, so that a method which this
# protocol gains one day can't collide with ours.
#
# A failed call is a Cap'n Proto exception whose reason reads `CODE: message`; docs/errors.md
# lists the codes. Slots of type Void named `retired…` belonged to earlier versions of the
# protocol and stay reserved.

interface Conmon @0xb737e899dd6633f1 {

    struct MapEntry {
        # One entry of a map from text to text.
        key @0 :Text;
        value @1 :Text;
    }

    enum CgroupManager {
        # Who makes a container's cgroup: systemd through its D-Bus interface, or the runtime in cgroupfs.
        systemd @0;
        cgroupfs @1;
    }

    struct LogDriver {
        # One sink of a container's output.

        enum Type {
            containerRuntimeInterface @0;
            # Lines as the kubelet reads them.
            json @1;
            # One JSON object a line.
            journald @2;
            # The native protocol of systemd-journald.
        }

        type @0 :Type;
        path @1 :Text;
        # The log file; unused for journald.
        maxSize @2 :UInt64;
        # Bytes after which the file is rotated; 0: never.
    }

    struct VersionRequest {
        verbose @0 :Bool;
        # Fill `cargoTree` too.
        retired1 @1 :Void;
        metadata @2 :List(MapEntry);
        # OpenTelemetry context (`traceparent`, `tracestate`), here and in every other request.
    }

    struct VersionResponse {
        processId @0 :UInt32;
        # Pid of the server, in the server's pid namespace.
        version @1 :Text;
        tag @2 :Text;
        commit @3 :Text;
        buildDate @4 :Text;
        target @5 :Text;
        rustVersion @6 :Text;
        cargoVersion @7 :Text;
        cargoTree @8 :Text;
        # Empty unless `verbose` was asked for.
        metadata @9 :Void;
    }

    version @0 (request :VersionRequest) -> (response :VersionResponse);
    # Who answers here, and what it was built from.

    struct CreateContainerRequest {
        id @0 :Text;
        bundlePath @1 :Text;
        terminal @2 :Bool;
        # Give the container a pseudo-terminal instead of pipes.
        stdin @3 :Bool;
        # Keep a standard input open for attach clients; otherwise it reads /dev/null.
        exitPaths @4 :List(Text);
        # Files that receive the decimal exit code once the container ended; written in order,
        # last one first, so that a watched first path appears when the others are complete.
        oomExitPaths @5 :List(Text);
        # Files created empty if the container was killed for memory.
        logDrivers @6 :List(LogDriver);
        cleanupCmd @7 :List(Text);
        # Run once after the container ended: program and arguments.
        globalArgs @8 :List(Text);
        # Arguments of the runtime that stand before its subcommand.
        commandArgs @9 :List(Text);
        # Arguments of the runtime's `create`.
        retired10 @10 :Void;
        metadata @11 :List(MapEntry);
        envVars @12 :List(MapEntry);
        # Environment of the runtime call. Of the server's own only PATH is handed on.
        cgroupManager @13 :CgroupManager;
        additionalFds @14 :List(UInt64);
        # Slots of the fd socket that become descriptors 3, 4, … of the runtime.
        leakFds @15 :List(UInt64);
        # Slots of the fd socket that are held open until the container ends.
    }

    struct CreateContainerResponse {
        containerPid @0 :UInt32;
        # Pid of the container's init, in the server's pid namespace.
    }

    createContainer @1 (request :CreateContainerRequest) -> (response :CreateContainerResponse);
    # Run the runtime's `create`. The container is created, not started, when this returns.

    struct ExecSyncContainerRequest {
        id @0 :Text;
        timeoutSec @1 :UInt64;
        # 0: no limit.
        command @2 :List(Text);
        terminal @3 :Bool;
        retired4 @4 :Void;
        metadata @5 :List(MapEntry);
        envVars @6 :List(MapEntry);
        cgroupManager @7 :CgroupManager;
    }

    struct ExecSyncContainerResponse {
        exitCode @0 :Int32;
        # 128 + n for signal n; -2 when the command could not be started, with the reason in `stderr`.
        stdout @1 :Data;
        stderr @2 :Data;
        timedOut @3 :Bool;
    }

    execSyncContainer @2 (request :ExecSyncContainerRequest) -> (response :ExecSyncContainerResponse);
    # Run a command in a running container and answer when it ended.

    struct AttachRequest {
        id @0 :Text;
        socketPath @1 :Text;
        execSessionId @2 :Text;
        stopAfterStdinEof @3 :Bool;
        retired4 @4 :Void;
        metadata @5 :List(MapEntry);
    }

    struct AttachResponse {
    }

    attachContainer @3 (request :AttachRequest) -> (response :AttachResponse);
    # Listen on a SEQPACKET socket that carries the container's streams.

    struct ReopenLogRequest {
        id @0 :Text;
        retired1 @1 :Void;
        metadata @2 :List(MapEntry);
    }

    struct ReopenLogResponse {
    }

    reopenLogContainer @4 (request :ReopenLogRequest) -> (response :ReopenLogResponse);
    # Open the log paths anew, after the files were renamed.

    struct SetWindowSizeRequest {
        id @0 :Text;
        width @1 :UInt16;
        # Columns.
        height @2 :UInt16;
        # Rows.
        retired3 @3 :Void;
        metadata @4 :List(MapEntry);
    }

    struct SetWindowSizeResponse {
    }

    setWindowSizeContainer @5 (request :SetWindowSizeRequest) -> (response :SetWindowSizeResponse);
    # Resize a container's terminal; an error for one without.

    enum Namespace {
        ipc @0;
        net @1;
        pid @2;
        user @3;
        uts @4;
    }

    struct CreateNamespacesRequest {
        retired0 @0 :Void;
        namespaces @1 :List(Namespace);
        # Those that are made new; of the other kinds the pod has the server's.
        uidMappings @2 :List(Text);
        # Each `CONTAINER HOST SIZE`. Needed for a user namespace, else not looked at.
        gidMappings @3 :List(Text);
        basePath @4 :Text;
        # Absolute; empty: `/var/run`.
        podId @5 :Text;
        # Becomes the name of files.
        metadata @6 :List(MapEntry);
    }

    struct NamespacePath {
        type @0 :Namespace;
        path @1 :Text;
    }

    struct CreateNamespacesResponse {
        namespaces @0 :List(NamespacePath);
        # Always five: ipc, pid, net, user, uts.
    }

    createNamespaces @6 (request :CreateNamespacesRequest) -> (response :CreateNamespacesResponse);
    # Make a pod's namespaces and bind-mount each at `basePath/KINDns/podId`; asked again, answer the same.

    struct StartFdSocketRequest {
        metadata @0 :List(MapEntry);
    }

    struct StartFdSocketResponse {
        path @0 :Text;
    }

    startFdSocket @7 (request :StartFdSocketRequest) -> (response :StartFdSocketResponse);
    # Listen on the SEQPACKET socket by which descriptors are handed over.

    struct ServeExecContainerRequest {
        metadata @0 :List(MapEntry);
        id @1 :Text;
        command @2 :List(Text);
        tty @3 :Bool;
        stdin @4 :Bool;
        stdout @5 :Bool;
        stderr @6 :Bool;
        cgroupManager @7 :CgroupManager;
    }

    struct ServeExecContainerResponse {
        url @0 :Text;
    }

    serveExecContainer @8 (request :ServeExecContainerRequest) -> (response :ServeExecContainerResponse);
    # A URL, good for one use, that runs a command with its streams over WebSocket.

    struct ServeAttachContainerRequest {
        metadata @0 :List(MapEntry);
        id @1 :Text;
        stdin @2 :Bool;
        stdout @3 :Bool;
        stderr @4 :Bool;
    }

    struct ServeAttachContainerResponse {
        url @0 :Text;
    }

    serveAttachContainer @9 (request :ServeAttachContainerRequest) -> (response :ServeAttachContainerResponse);
    # A URL, good for one use, that carries a container's streams over WebSocket.

    struct ServePortForwardContainerRequest {
        metadata @0 :List(MapEntry);
        netNsPath @1 :Text;
    }

    struct ServePortForwardContainerResponse {
        url @0 :Text;
    }

    servePortForwardContainer @10 (request :ServePortForwardContainerRequest) -> (response :ServePortForwardContainerResponse);
    # A URL, good for one use, that forwards ports into a network namespace.
}
