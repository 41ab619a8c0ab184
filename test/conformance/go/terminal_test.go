package conformance

import (
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
	"go.podman.io/common/pkg/resize"
)

func (c *container) resize(width, height uint16) error {
	return c.pod.SetWindowSizeContainer(bounded(c.pod.t), &client.SetWindowSizeContainerConfig{
		ID: c.id, Size: &resize.TerminalSize{Width: width, Height: height},
	})
}

func TestWindowSizeReachesTheContainer(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"workload", "size-on-change"}, terminal: true})

	if !eventually(func() bool { return strings.Contains(readOr(c.logPath), "ready") }) {
		t.Fatal("the container did not get ready")
	}

	must(t, c.resize(100, 30))
	expect(t, "exit code", c.exit(), 0)
	expectText(t, "log", output(records(t, c.logPath), "stdout"), "30 100")
}

func TestWindowSizeBeforeTheStart(t *testing.T) {
	p := newPod(t)
	c := p.created(containerOptions{args: []string{"workload", "size"}, terminal: true})

	must(t, c.resize(132, 50))
	c.start()
	expect(t, "exit code", c.exit(), 0)
	expectText(t, "log", output(records(t, c.logPath), "stdout"), "50 132")
}

func TestWindowSizeWithoutATerminalFails(t *testing.T) {
	p := newPod(t)
	mustFail(t, "window size", p.healthy().resize(10, 20))
}

func TestWindowSizeOfAnUnknownContainerFails(t *testing.T) {
	p := newPod(t)
	mustFail(t, "window size", (&container{pod: p, id: "unknown"}).resize(10, 20))
}
