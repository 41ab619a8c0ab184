package conformance

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
	"go.podman.io/common/pkg/resize"
)

func itoa(number int) string { return strconv.Itoa(number) }

func TestExecGivesOutputAndExitCode(t *testing.T) {
	p := newPod(t)
	c := p.healthy()

	result := c.exec("sh", "-c", "printf out; printf err >&2; exit 3")
	expect(t, "exit code", result.ExitCode, 3)
	expect(t, "stdout", string(result.Stdout), "out")
	expect(t, "stderr", string(result.Stderr), "err")
	expect(t, "timed out", result.TimedOut, false)
}

func TestExecWithATerminalGivesAllInStdout(t *testing.T) {
	p := newPod(t)
	c := p.healthy()

	result := c.execWith(client.ExecSyncConfig{
		Command: []string{"sh", "-c", "echo out; echo err >&2; exit 3"}, Terminal: true,
	})
	expect(t, "exit code", result.ExitCode, 3)
	expect(t, "stdout", string(result.Stdout), "out\r\nerr\r\n")
	expect(t, "length of stderr", len(result.Stderr), 0)
}

func TestExecInAContainerWithATerminal(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"workload", "pause"}, terminal: true})

	expect(t, "stdout", string(c.exec("echo", "without").Stdout), "without\n")

	result := c.execWith(client.ExecSyncConfig{Command: []string{"echo", "with"}, Terminal: true})
	expect(t, "stdout", string(result.Stdout), "with\r\n")
}

func TestExecOfAMissingCommandAnswersWithMinusTwo(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		c := p.healthy()

		result := c.execWith(client.ExecSyncConfig{Command: []string{"no-such-command"}, Terminal: terminal})
		expect(t, "exit code", result.ExitCode, -2)

		if p.ours() {
			expectText(t, "stderr", string(result.Stderr), "not found in $PATH")
		}
	})
}

func TestExecThatTakesTooLongTimesOut(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		c := p.healthy()

		result := c.execWith(client.ExecSyncConfig{
			Command: []string{"workload", "ignore-term", "then", "pause"}, Timeout: 1, Terminal: terminal,
		})
		expect(t, "timed out", result.TimedOut, true)
		expect(t, "other processes than init", strings.Count(string(c.exec("ps", "-o", "args").Stdout), "ignore-term"), 0)

		result = c.execWith(client.ExecSyncConfig{
			Command: []string{"echo", "in time"}, Timeout: 10, Terminal: terminal,
		})
		expect(t, "timed out", result.TimedOut, false)
		expect(t, "stdout", strings.TrimRight(string(result.Stdout), "\r\n"), "in time")
	})
}

func TestExecManyAtOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		c := p.healthy()
		answers := make(chan error, 10)

		for n := range cap(answers) {
			go func() {
				wanted := fmt.Sprintf("hello world %d", n)
				result, err := p.ExecSyncContainer(context.Background(), &client.ExecSyncConfig{
					ID: c.id, Command: []string{"echo", "-n", wanted}, Terminal: terminal,
				})

				if err == nil && string(result.Stdout) != wanted {
					err = fmt.Errorf("%q, expected %q", result.Stdout, wanted)
				}
				answers <- err
			}()
		}

		for range cap(answers) {
			must(t, <-answers)
		}
	})
}

func TestExecOutputIsCappedAt16MiB(t *testing.T) {
	p := newPod(t)
	c := p.healthy()

	const capacity = 16 << 20

	result := c.exec("workload", "print", "stdout", itoa(capacity))
	expect(t, "exit code", result.ExitCode, 0)
	expect(t, "length of stdout", len(result.Stdout), capacity)

	result = c.exec("workload", "print", "stdout", itoa(capacity+80_000_000), "then", "exit", "4")
	expect(t, "exit code", result.ExitCode, 4)
	expect(t, "length of stdout", len(result.Stdout), capacity)

	if p.ours() && !bytes.Contains(result.Stderr, []byte("OUTPUT_TRUNCATED")) {
		t.Errorf("the cut is not said: stderr is %q", tail(string(result.Stderr), 200))
	}
}

func TestExecInAnUnknownContainerFails(t *testing.T) {
	p := newPod(t)

	_, err := p.ExecSyncContainer(bounded(t), &client.ExecSyncConfig{ID: "unknown", Command: []string{"true"}})
	mustFail(t, "exec", err)
}

func TestExecAfterTheEndFails(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"true"}})
	expect(t, "exit code", c.exit(), 0)

	result, err := p.ExecSyncContainer(bounded(t), &client.ExecSyncConfig{ID: c.id, Command: []string{"true"}})
	if err == nil && result.ExitCode != -2 {
		t.Errorf("exec in an ended container: %+v", result)
	}
}

func TestExecInFlightEndsWithItsConnection(t *testing.T) {
	// A failed call closes the client's connection, and with it each call in flight: the server must take
	// their caller for gone.
	p := newPod(t)
	c := p.healthy()
	ended := make(chan error, 1)

	go func() {
		_, err := p.ExecSyncContainer(context.Background(), &client.ExecSyncConfig{
			ID: c.id, Command: []string{"workload", "ignore-term", "then", "pause"},
		})
		ended <- err
	}()

	execs := func() int { return strings.Count(string(c.exec("ps", "-o", "args").Stdout), "ignore-term") }
	if !eventually(func() bool { return execs() == 1 }) {
		t.Fatal("the exec did not begin")
	}

	err := p.SetWindowSizeContainer(bounded(t), &client.SetWindowSizeContainerConfig{
		ID: "unknown", Size: &resize.TerminalSize{},
	})
	mustFail(t, "window size of an unknown container", err)
	mustFail(t, "the exec in flight", <-ended)

	if !eventually(func() bool { return execs() == 0 }) {
		t.Error("the exec goes on without its caller")
	}
}
