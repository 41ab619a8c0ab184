package conformance

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
	"go.podman.io/common/pkg/detach"
	"go.podman.io/common/pkg/resize"
)

// session is a call of AttachContainer that runs.
type session struct {
	t              *testing.T
	stdin          *io.PipeWriter
	stdout, stderr *sink
	ended          chan error
}

// attachPath is where CRI-O wants the socket: in a directory of the container's id that is not there.
func (c *container) attachPath() string { return filepath.Join(c.pod.path("attach"), c.id, "attach") }

// attach attaches through the client, with stdin if it is said, and gives the session once the client is connected.
func (c *container) attach(withStdin bool, change func(*client.AttachConfig)) *session {
	c.pod.t.Helper()

	s := &session{t: c.pod.t, stdout: &sink{}, stderr: &sink{}, ended: make(chan error, 1)}
	connected := make(chan struct{})
	config := &client.AttachConfig{
		ID:         c.id,
		SocketPath: c.attachPath(),
		Streams:    client.AttachStreams{Stdout: &client.Out{WriteCloser: s.stdout}, Stderr: &client.Out{WriteCloser: s.stderr}},
		PostAttachFunc: func() error {
			close(connected)

			return nil
		},
	}

	if withStdin {
		var reader *io.PipeReader

		reader, s.stdin = io.Pipe()
		config.Streams.Stdin = &client.In{ReadCloser: reader}
	}

	if change != nil {
		change(config)
	}

	go func() { s.ended <- c.pod.AttachContainer(context.Background(), config) }()

	select {
	case <-connected:
	case err := <-s.ended:
		c.pod.t.Fatalf("attach: %v", err)
	}

	return s
}

// write gives the container input.
func (s *session) write(text string) {
	s.t.Helper()

	_, err := s.stdin.Write([]byte(text))
	must(s.t, err)
}

// end waits for the end of the session.
func (s *session) end() error {
	s.t.Helper()

	ctx := bounded(s.t)
	select {
	case err := <-s.ended:
		return err
	case <-ctx.Done():
		s.t.Fatalf("the attach session does not end; stdout %q", tail(s.stdout.String(), 300))

		return nil
	}
}

func TestAttachCarriesAllStreams(t *testing.T) {
	p := newPod(t)
	c := p.shell(false)
	s := c.attach(true, nil)

	s.write("echo to-stdout\necho to-stderr >&2\n")
	s.stdout.shows(t, "to-stdout\n")
	s.stderr.shows(t, "to-stderr\n")
	s.write("exit 5\n")
	expect(t, "exit code", c.exit(), 5)
	must(t, s.end())
	expect(t, "stdout", s.stdout.String(), "to-stdout\n")
	expect(t, "stderr", s.stderr.String(), "to-stderr\n")
	expect(t, "logged", output(records(t, c.logPath), "stdout"), "to-stdout\n")
}

func TestAttachToATerminal(t *testing.T) {
	p := newPod(t)
	c := p.shell(true)
	s := c.attach(true, func(config *client.AttachConfig) { config.Tty = true })

	s.write("stty -echo; echo a-b | tr a-b x-y; tty\n")
	s.stdout.shows(t, "x-y\r\n")
	s.stdout.shows(t, "/dev/pts/0\r\n")
	s.write("exit 6\n")
	expect(t, "exit code", c.exit(), 6)
	must(t, s.end())
	expect(t, "stderr", s.stderr.String(), "")
}

func TestAttachResizesTheTerminal(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"workload", "size-on-change"}, terminal: true})
	sizes := make(chan resize.TerminalSize, 1)
	s := c.attach(false, func(config *client.AttachConfig) { config.Tty, config.Resize = true, sizes })

	if !eventually(func() bool { return strings.Contains(readOr(c.logPath), "ready") }) {
		t.Fatal("the container did not get ready")
	}

	sizes <- resize.TerminalSize{Width: 90, Height: 31}

	s.stdout.shows(t, "31 90")
	must(t, s.end())
	close(sizes)
}

func TestAttachBeforeTheStartMissesNothing(t *testing.T) {
	p := newPod(t)
	c := p.created(containerOptions{args: []string{"sh", "-c", "echo first; echo second >&2"}})
	s := c.attach(false, func(config *client.AttachConfig) {
		config.PreAttachFunc = func() error {
			_, err := p.runtime("start", c.id)

			return err
		}
	})
	must(t, s.end())
	expect(t, "stdout", s.stdout.String(), "first\n")
	expect(t, "stderr", s.stderr.String(), "second\n")
	expect(t, "exit code", c.exit(), 0)
}

func TestAttachHasTheOutputToItsEnd(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		const lines = 100_000

		p := newPod(t)
		c := p.created(containerOptions{args: []string{"seq", "1", itoa(lines)}, terminal: terminal})
		s := c.attach(false, nil)
		c.start()
		must(t, s.end())

		found := strings.Split(strings.ReplaceAll(s.stdout.String(), "\r", ""), "\n")
		expect(t, "lines", len(found), lines+1)
		expect(t, "last line", found[lines-1], itoa(lines))
	})
}

func TestAttachOfSeveralClients(t *testing.T) {
	p := newPod(t)
	c := p.shell(false)
	all := []*session{c.attach(true, nil), c.attach(true, nil), c.attach(false, nil)}

	all[0].write("echo one\n")

	for _, s := range all {
		s.stdout.shows(t, "one\n")
	}

	all[1].write("echo two\n")

	for _, s := range all {
		s.stdout.shows(t, "two\n")
	}

	all[0].write("exit\n")

	for _, s := range all {
		must(t, s.end())
		expect(t, "stdout", s.stdout.String(), "one\ntwo\n")
	}
}

func TestAttachAgainAfterASessionEnded(t *testing.T) {
	// The client removes the socket with its last session: the next call has to make it again.
	p := newPod(t)
	c := p.shell(false)

	for _, word := range []string{"first", "second", "third"} {
		s := c.attach(true, func(config *client.AttachConfig) { config.DetachKeys = []byte{4} })
		s.write("echo " + word + "\n")
		s.stdout.shows(t, word)
		s.write("\x04")

		if err := s.end(); err == nil || !strings.Contains(err.Error(), detach.ErrDetach.Error()) {
			t.Fatalf("the session did not end detached: %v", err)
		}
	}

	expect(t, "container alive", alive(c.pid), true)
	expect(t, "logged", output(records(t, c.logPath), "stdout"), "first\nsecond\nthird\n")
}

func TestAttachEndsWithStdin(t *testing.T) {
	// As CRI-O does for stdin-once: the end of the client's input is the end of the container's.
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"sh", "-c", "wc -c; exec workload exit 3"}, request: withStdin})
	s := c.attach(true, func(config *client.AttachConfig) {
		config.StopAfterStdinEOF, config.ContainerStdin = true, true
	})

	s.write("a\x00b\n")
	must(t, s.stdin.Close())
	must(t, s.end())
	expect(t, "exit code", c.exit(), 3)
	expect(t, "logged", output(records(t, c.logPath), "stdout"), "4\n")
}

func TestAttachWithoutStopKeepsStdinOpen(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"sh", "-c", "while read word; do echo got $word; done"}, request: withStdin})
	s := c.attach(true, nil)

	s.write("one\n")
	s.stdout.shows(t, "got one\n")
	must(t, s.stdin.Close())

	next := c.attach(true, func(config *client.AttachConfig) { config.SocketPath += "-2" })
	next.write("two\n")
	next.stdout.shows(t, "got two\n")
	s.stdout.shows(t, "got two\n") // Its input has ended, its output has not.
	expect(t, "container alive", alive(c.pid), true)

	c.delete()
	must(t, s.end())
	must(t, next.end())
}

func TestAttachWhileAnExecRuns(t *testing.T) {
	// The container's id must not lead to the streams of its execs.
	p := newPod(t)
	c := p.shell(false)
	ended := make(chan error, 1)

	go func() {
		_, err := p.ExecSyncContainer(context.Background(), &client.ExecSyncConfig{
			ID: c.id, Command: []string{"sh", "-c", "while :; do echo of the exec; sleep 0.01; done"}, Timeout: 1,
		})
		ended <- err
	}()

	if !eventually(func() bool { return strings.Contains(string(c.exec("ps", "-o", "args").Stdout), "of the exec") }) {
		t.Fatal("the exec did not begin")
	}

	s := c.attach(true, nil)
	s.write("echo of the container\nexit\n")
	must(t, s.end())
	expect(t, "stdout", s.stdout.String(), "of the container\n")
	<-ended
}

func TestAttachToAnUnknownContainerFails(t *testing.T) {
	p := newPod(t)
	err := p.AttachContainer(bounded(t), &client.AttachConfig{ID: "unknown", SocketPath: p.path("attach")})
	mustFail(t, "attach", err)
	expect(t, "socket made", exists(p.path("attach")), false)
}

func TestAttachAfterTheEndFails(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"true"}})
	expect(t, "exit code", c.exit(), 0)

	err := p.AttachContainer(bounded(t), &client.AttachConfig{ID: c.id, SocketPath: c.attachPath()})
	mustFail(t, "attach", err)
	expect(t, "socket made", exists(c.attachPath()), false)
}

func TestAttachSocketIsRemovedWithTheContainer(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	s := c.attach(false, nil)
	expectSocket(t, c.attachPath())

	c.delete()
	must(t, s.end())

	if !eventually(func() bool { return !exists(c.attachPath()) }) {
		t.Error("the attach socket is left")
	}
}

func TestAttachWithALongPath(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	long := p.path(strings.Repeat("a", 100) + "/" + strings.Repeat("b", 100))
	must(t, os.MkdirAll(long, 0o700))

	s := c.attach(false, func(config *client.AttachConfig) { config.SocketPath = long + "/attach" })
	c.delete()
	must(t, s.end())
}
