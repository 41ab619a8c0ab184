// Package conformance drives a server through the client that conmon-rs publishes for Go, the one
// that CRI-O has built in: what it can't tell from conmon-rs, CRI-O can't either.
//
// One test is one behaviour, with a server of its own. test/conformance/go.test.ts runs each in a
// process of its own with each runtime, under a subreaper, and looks for what is left afterwards;
// the tests themselves look at the server while it lives (pod_test.go). Where everything is stands
// in a JSON file which the environment names (ground_test.go).
//
// By method: server_test.go (start, version, shutdown), create_*_test.go, logs_test.go,
// exec_test.go, terminal_test.go, attach_*_test.go, namespaces_test.go, fds_test.go,
// stream_*_test.go, forward_*_test.go.
package conformance
