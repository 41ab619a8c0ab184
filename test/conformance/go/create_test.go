package conformance

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
)

// eachWay runs a test without and with a terminal.
func eachWay(t *testing.T, test func(t *testing.T, terminal bool)) {
	t.Run("pipes", func(t *testing.T) { test(t, false) })
	t.Run("terminal", func(t *testing.T) { test(t, true) })
}

func TestCreateAnswersWithTheInitProcess(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		c := p.created(containerOptions{args: []string{"workload", "pause"}, terminal: terminal})

		init, ok := processOf(c.pid)
		if !ok {
			t.Fatalf("no process %d", c.pid)
		}

		expect(t, "parent of the init", init.parent, int(p.PID()))

		listed, err := p.runtime("list")
		must(t, err)
		expectText(t, "the runtime's list", listed, c.id)
		expectText(t, "the runtime's list", listed, "created")
	})
}

func TestCreateWritesTheExitCode(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)

		for _, code := range []int{0, 1, 42, 255} {
			c := p.run(containerOptions{args: []string{"sh", "-c", "exit " + itoa(code)}, terminal: terminal})
			expect(t, "exit code", c.exit(), code)
		}
	})
}

func TestCreateWritesTheSignal(t *testing.T) {
	p := newPod(t)
	c := p.healthy()

	_, err := p.runtime("kill", c.id, "KILL")
	must(t, err)
	expect(t, "exit code", c.exit(), 137)
	expect(t, "OOM file", exists(c.oom), false)
}

func TestCreateLogsOutput(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"sh", "-c", "echo out; echo err >&2; printf end"}})
	expect(t, "exit code", c.exit(), 0)

	found := records(t, c.logPath)
	expect(t, "stdout", output(found, "stdout"), "out\nend\n")
	expect(t, "stderr", output(found, "stderr"), "err\n")
}

func TestCreateLogsATerminal(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"sh", "-c", "echo out; echo err >&2; tty"}, terminal: true})
	expect(t, "exit code", c.exit(), 0)
	expect(t, "stdout", strings.ReplaceAll(output(records(t, c.logPath), "stdout"), "\r", ""), "out\nerr\n/dev/pts/0\n")
}

func TestCreateKillsForMemory(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		neighbour := p.healthy()
		c := p.run(containerOptions{
			args:     []string{"workload", "allocate", "100000000", "then", "pause"},
			terminal: terminal,
			change:   limitMemory(16 << 20),
		})
		expect(t, "exit code", c.exit(), 137)

		text, err := os.ReadFile(c.oom)
		must(t, err)
		expect(t, "length of the OOM file", len(text), 0)
		expect(t, "OOM file of the neighbour", exists(neighbour.oom), false)
	})
}

func limitMemory(bytes int) func(map[string]any) {
	return func(config map[string]any) {
		config["linux"].(map[string]any)["resources"] = map[string]any{"memory": map[string]any{"limit": bytes}}
	}
}

func TestCreateRunsTheCleanupCommandOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		witness := p.path(fmt.Sprintf("cleaned-%t", terminal))
		c := p.run(containerOptions{
			args:     []string{"true"},
			terminal: terminal,
			request: func(request *client.CreateContainerConfig) {
				request.CleanupCmd = []string{"/bin/sh", "-c", `echo "$1" >> "$0"`, witness, "two words"}
			},
		})
		expect(t, "exit code", c.exit(), 0)

		if !eventually(func() bool { return readOr(witness) != "" }) {
			t.Fatal("the cleanup command did not run")
		}

		c.delete()
		p.expectNothingHeld()
		expect(t, "what the cleanup command wrote", readOr(witness), "two words\n")
	})
}

func TestCreateOfAMissingCommandFailsWithTheRuntimesWords(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		neighbour := p.healthy()

		for range 3 {
			_, err := p.create(containerOptions{id: "again", args: []string{"no-such-command"}, terminal: terminal})
			expectText(t, "error", mustFail(t, "create", err), "not found in $PATH")
		}

		// The id is free, and the client has connected anew.
		c := p.run(containerOptions{id: "again", args: []string{"workload", "exit", "7"}, terminal: terminal})
		expect(t, "exit code", c.exit(), 7)
		expect(t, "exit code of an exec", neighbour.exec("workload", "exit", "3").ExitCode, 3)
	})
}

func TestCreateWithoutALogDriver(t *testing.T) {
	// Its output goes nowhere, and must not fill a pipe.
	p := newPod(t)
	c := p.run(containerOptions{
		args:    []string{"workload", "print", "stdout", "1000000", "then", "exit", "9"},
		request: func(request *client.CreateContainerConfig) { request.LogDrivers = nil },
	})
	expect(t, "exit code", c.exit(), 9)
}

func TestCreateWithoutExitPaths(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{
		args:    []string{"true"},
		request: func(request *client.CreateContainerConfig) { request.ExitPaths, request.OOMExitPaths = nil, nil },
	})

	if !eventually(func() bool { return !alive(c.pid) }) {
		t.Fatal("the container was not collected")
	}

	expect(t, "exit file", exists(c.exits[0]), false)
}
