package conformance

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/containers/conmon-rs/pkg/client"
)

func (c *container) reopen() error {
	return c.pod.ReopenLogContainer(bounded(c.pod.t), &client.ReopenLogContainerConfig{ID: c.id})
}

func TestReopenWithoutOutput(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	must(t, c.reopen())
	expect(t, "log", readOr(c.logPath), "")
}

func TestReopenWithoutARenameKeepsTheLines(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"sh", "-c", "echo first; exec workload pause"}})

	if !eventually(func() bool { return strings.Contains(readOr(c.logPath), "first") }) {
		t.Fatal("no first line")
	}

	must(t, c.reopen())

	if p.ours() {
		expect(t, "log", output(records(t, c.logPath), "stdout"), "first\n")
	}
}

func TestReopenAfterARenameLosesNoLine(t *testing.T) {
	const lines = 20_000

	p := newPod(t)
	c := p.run(containerOptions{
		args: []string{"sh", "-c", fmt.Sprintf("seq 1 %d; exec workload pause", lines)},
	})

	var files []string

	for n := range 10 {
		files = append(files, fmt.Sprintf("%s.%d", c.logPath, n))
		must(t, os.Rename(c.logPath, files[n]))
		must(t, c.reopen())
		time.Sleep(5 * time.Millisecond) // Some lines for the next file.
	}

	files = append(files, c.logPath)
	expectLines(t, files, lines)
}

func TestReopenWhileAnExecRuns(t *testing.T) {
	// What is running under a container's id must not be taken for the container.
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"sh", "-c", "while :; do echo tick; sleep 0.01; done"}})
	ended := make(chan struct{})

	go func() {
		defer close(ended)
		_, _ = p.ExecSyncContainer(bounded(t), &client.ExecSyncConfig{ID: c.id, Command: []string{"sleep", "1"}})
	}()

	if !eventually(func() bool { return strings.Contains(string(c.exec("ps", "-o", "args").Stdout), "sleep 1") }) {
		t.Fatal("the exec did not begin")
	}

	must(t, os.Rename(c.logPath, c.logPath+".1"))
	must(t, c.reopen())

	if !eventually(func() bool { return strings.Contains(readOr(c.logPath), "tick") }) {
		t.Error("nothing is written to the reopened log")
	}

	<-ended
}

func TestReopenOfAnUnknownContainerFails(t *testing.T) {
	p := newPod(t)
	mustFail(t, "reopen", (&container{pod: p, id: "unknown"}).reopen())
}

// expectLines waits until the numbers 1 to last stand in the files, in order, each once.
func expectLines(t *testing.T, files []string, last int) {
	t.Helper()

	var text string

	if !eventually(func() bool {
		text = ""
		for _, path := range files {
			text += readOr(path)
		}

		return strings.Contains(text, fmt.Sprintf(" F %d\n", last))
	}) {
		t.Fatalf("line %d is not there: %q", last, tail(text, 200))
	}

	wanted := 1

	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		parts := recordForm.FindStringSubmatch(line)
		if parts == nil || parts[2] != "F" || parts[3] != itoa(wanted) {
			t.Fatalf("%q, expected line %d", line, wanted)
		}

		wanted++
	}

	expect(t, "number of lines", wanted-1, last)
}
