package conformance

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
)

// observed puts a script in front of the runtime, which writes down how it is called, then calls it.
func observed(t *testing.T, words string) (change func(*client.ConmonServerConfig), calls func() []string) {
	t.Helper()

	g := loadGround(t)
	script, log := g.path(g.RuntimeName), g.path("runtime-calls")
	text := fmt.Sprintf("#!/bin/sh\n%s >> %s\nexec %s \"$@\"\n", words, log, g.Runtime)
	must(t, os.WriteFile(script, []byte(text), 0o755))

	return func(config *client.ConmonServerConfig) { config.Runtime = script },
		func() []string { return strings.Split(readOr(log), "\n") }
}

// callOf is the command line of one subcommand, from the observed ones.
func callOf(t *testing.T, calls []string, subcommand string) []string {
	t.Helper()

	for _, line := range calls {
		if words := strings.Fields(line); len(words) > 0 && strings.Contains(line+" ", " "+subcommand+" ") {
			return words
		}
	}

	t.Fatalf("the runtime's %s was not called: %q", subcommand, calls)

	return nil
}

// inOrder fails when the words don't stand in the line in this order.
func inOrder(t *testing.T, line []string, words ...string) {
	t.Helper()

	at := 0

	for _, word := range line {
		if at < len(words) && word == words[at] {
			at++
		}
	}

	if at < len(words) {
		t.Fatalf("%q: expected %q there, in this order", line, words)
	}
}

func TestCreateCallsTheRuntimeAsConmonRsDoes(t *testing.T) {
	change, calls := observed(t, `echo "$@"`)
	p := newPod(t, change)
	c := p.run(containerOptions{
		args: []string{"workload", "pause"},
		request: func(request *client.CreateContainerConfig) {
			request.CommandArgs = []string{"--no-new-keyring"}
		},
	})

	create := callOf(t, calls(), "create")
	inOrder(t, create, "--root="+p.RuntimeRoot, "create", "--bundle", c.bundle, "--pid-file", "--no-new-keyring", c.id)
	expect(t, "last argument", create[len(create)-1], c.id)

	for _, word := range create {
		if word == "--systemd-cgroup" {
			t.Error("the cgroup manager is cgroupfs, and systemd was asked for")
		}
	}

	expect(t, "exit code of an exec", c.exec("true").ExitCode, 0)

	// After `exec`, what is added is the runtime's to know; id and command come last.
	exec := callOf(t, calls(), "exec")
	inOrder(t, exec, "--root="+p.RuntimeRoot, "exec", c.id, "true")
	inOrder(t, exec, "-d", c.id)
}

func TestCreateWithATerminalNamesTheConsoleSocket(t *testing.T) {
	change, calls := observed(t, `echo "$@"`)
	p := newPod(t, change)
	c := p.run(containerOptions{args: []string{"workload", "pause"}, terminal: true})

	result := c.execWith(client.ExecSyncConfig{Command: []string{"true"}, Terminal: true})
	expect(t, "exit code of an exec", result.ExitCode, 0)

	for _, subcommand := range []string{"create", "exec"} {
		line := strings.Join(callOf(t, calls(), subcommand), " ")
		expectText(t, "call of the runtime", line, "--console-socket")
	}

	inOrder(t, callOf(t, calls(), "exec"), "--tty", c.id)
}

func TestCreateAsksForSystemdByDefault(t *testing.T) {
	// There is no systemd here to make the cgroup: the runtime's call is what shows.
	change, calls := observed(t, `echo "$@"`)
	p := newPod(t, change, func(config *client.ConmonServerConfig) {
		config.CgroupManager = client.CgroupManagerSystemd
	})

	if _, err := p.create(containerOptions{args: []string{"true"}}); err == nil {
		t.Skip("there is a systemd here")
	}

	inOrder(t, callOf(t, calls(), "create"), "--systemd-cgroup", "create")
}

func TestCreateTakesTheCgroupManagerFromTheCall(t *testing.T) {
	p := newPod(t, func(config *client.ConmonServerConfig) {
		config.CgroupManager = client.CgroupManagerPerCommand
	})
	c := p.run(containerOptions{
		args:    []string{"workload", "pause"},
		request: func(request *client.CreateContainerConfig) { request.CgroupManager = client.CgroupManagerCgroupfs },
	})
	result := c.execWith(client.ExecSyncConfig{
		Command: []string{"workload", "exit", "8"}, CgroupManager: client.CgroupManagerCgroupfs,
	})
	expect(t, "exit code of an exec", result.ExitCode, 8)
}

func TestCreateGivesGlobalArgumentsToTheRuntime(t *testing.T) {
	p := newPod(t)
	log := p.path("runtime.log")
	c := p.run(containerOptions{
		args: []string{"true"},
		request: func(request *client.CreateContainerConfig) {
			request.GlobalArgs = []string{"--log", log, "--debug"}
		},
	})
	expect(t, "exit code", c.exit(), 0)

	if p.RuntimeName == "runc" && readOr(log) == "" {
		t.Error("the runtime wrote nothing to the log that it was given")
	}
}

func TestCreateWithArgumentsThatTheRuntimeRefuses(t *testing.T) {
	p := newPod(t)
	_, err := p.create(containerOptions{
		args:    []string{"true"},
		request: func(request *client.CreateContainerConfig) { request.CommandArgs = []string{"--no-such-flag"} },
	})
	expectText(t, "error", mustFail(t, "create", err), "no-such-flag")
}

func TestCreateGivesTheRuntimeItsEnvironment(t *testing.T) {
	change, calls := observed(t, `echo "$CONFORMANCE $*"`)
	p := newPod(t, change)
	c := p.run(containerOptions{
		args: []string{"workload", "pause"},
		request: func(request *client.CreateContainerConfig) {
			request.EnvVars = map[string]string{"CONFORMANCE": "of-create", "OTHER": "x"}
		},
	})
	c.execWith(client.ExecSyncConfig{
		Command: []string{"true"}, EnvVars: map[string]string{"CONFORMANCE": "of-exec"},
	})

	expect(t, "environment of create", callOf(t, calls(), "create")[0], "of-create")
	expect(t, "environment of exec", callOf(t, calls(), "exec")[0], "of-exec")
}
