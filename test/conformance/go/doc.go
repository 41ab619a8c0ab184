// Package conformance drives a server through the client that conmon-rs publishes for Go, the one
// that CRI-O has built in: what it can't tell from conmon-rs, CRI-O can't either.
//
// One test is one behaviour, with a server of its own. test/conformance/go.test.ts runs each in a
// process of its own with each runtime, under a subreaper, and looks for what is left afterwards;
// the tests themselves look at the server while it lives (pod_test.go). Where everything is stands
// in a JSON file which the environment names (ground_test.go).
//
// By method: server_test.go (start, version, shutdown), create_*_test.go, logs_*_test.go,
// exec_test.go, terminal_test.go, attach_*_test.go, namespaces_test.go, fds_test.go,
// stream_test.go, forward_test.go, tracing_test.go; rounds_test.go is about all of them;
// crio_test.go reads the drop-in for CRI-O.
package conformance
