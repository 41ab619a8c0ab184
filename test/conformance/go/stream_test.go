package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
)

// streamed is what a streaming session of kubectl's own client gave.
type streamed struct {
	stdout, stderr string
	err            error
}

// stream opens a URL as kubectl does.
func stream(t *testing.T, url string, options remotecommand.StreamOptions) streamed {
	t.Helper()

	var stdout, stderr sink

	if options.Stdout == nil {
		options.Stdout = &stdout
	}

	if options.Stderr == nil && !options.Tty {
		options.Stderr = &stderr
	}

	executor, err := remotecommand.NewWebSocketExecutor(&rest.Config{}, http.MethodGet, url)
	must(t, err)

	ctx, cancel := context.WithTimeout(context.Background(), 3*hang)
	defer cancel()

	err = executor.StreamWithContext(ctx, options)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the session hangs; stdout %q, stderr %q", tail(stdout.String(), 300), tail(stderr.String(), 300))
	}

	return streamed{stdout.String(), stderr.String(), err}
}

// serveExec asks for the URL of an exec with all streams.
func (c *container) serveExec(tty bool, command ...string) string {
	c.pod.t.Helper()

	served, err := c.pod.ServeExecContainer(bounded(c.pod.t), &client.ServeExecContainerConfig{
		ID: c.id, Command: command, Tty: tty, Stdin: true, Stdout: true, Stderr: !tty,
	})
	must(c.pod.t, err)
	c.pod.listens("streaming", "socket")

	return served.URL
}

func (c *container) serveAttach(stderr bool) string {
	c.pod.t.Helper()

	served, err := c.pod.ServeAttachContainer(bounded(c.pod.t), &client.ServeAttachContainerConfig{
		ID: c.id, Stdin: true, Stdout: true, Stderr: stderr,
	})
	must(c.pod.t, err)
	c.pod.listens("streaming", "socket")

	return served.URL
}

// exitStatus is the code that kubectl would end with.
func exitStatus(t *testing.T, err error) int {
	t.Helper()

	if err == nil {
		return 0
	}

	var coded utilexec.CodeExitError

	if !errors.As(err, &coded) {
		t.Fatalf("an error without an exit code: %v", err)
	}

	return coded.Code
}

func TestServeGivesAnAddressOnTheLoopback(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	forward, err := p.ServePortForwardContainer(bounded(t), &client.ServePortForwardContainerConfig{
		NetNsPath: "/proc/self/ns/net",
	})
	must(t, err)

	seen := map[string]bool{}

	for _, address := range []string{
		c.serveExec(false, "true"), c.serveExec(false, "true"), c.serveAttach(true), forward.URL,
	} {
		form := regexp.MustCompile(`^http://127\.0\.0\.1:\d+/(exec|attach|port-forward)/[0-9A-Za-z_-]{22,}$`)
		if !form.MatchString(address) || seen[address] {
			t.Errorf("the address %s", address)
		}

		seen[address] = true
	}
}

func TestServeExecGivesOutputAndExitCode(t *testing.T) {
	p := newPod(t)
	c := p.healthy()

	for _, code := range []int{0, 1, 42, 255} {
		got := stream(t, c.serveExec(false, "sh", "-c", "printf out; printf err >&2; exit "+itoa(code)), remotecommand.StreamOptions{})
		expect(t, "exit code", exitStatus(t, got.err), code)
		expect(t, "stdout", got.stdout, "out")
		expect(t, "stderr", got.stderr, "err")
	}
}

func TestServeExecWithATerminal(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	got := stream(t, c.serveExec(true, "sh", "-c", "printf out; printf err >&2; exit 4"), remotecommand.StreamOptions{Tty: true})
	expect(t, "exit code", exitStatus(t, got.err), 4)
	expect(t, "stdout", got.stdout, "outerr")
}

// sizes hands window sizes to the client, each once.
type sizes chan remotecommand.TerminalSize

func (s sizes) Next() *remotecommand.TerminalSize {
	size, open := <-s
	if !open {
		return nil
	}

	return &size
}

func TestServeExecResizesTheTerminal(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	queue := make(sizes, 1)
	queue <- remotecommand.TerminalSize{Width: 111, Height: 22}

	reader, writer := io.Pipe()
	got := make(chan streamed, 1)
	out := &sink{}

	go func() {
		got <- stream(t, c.serveExec(true, "sh", "-c", "until [ \"$(stty size)\" = '22 111' ]; do sleep 0.01; done; echo resized"),
			remotecommand.StreamOptions{Tty: true, Stdin: reader, Stdout: out, TerminalSizeQueue: queue})
	}()

	out.shows(t, "resized")
	close(queue)

	result := <-got
	expect(t, "exit code", exitStatus(t, result.err), 0)
	must(t, writer.Close())
}

func TestServeExecHandsTheEndOfStdinOn(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	got := stream(t, c.serveExec(false, "sh", "-c", "cat; echo end; exit 3"), remotecommand.StreamOptions{
		Stdin: strings.NewReader("piped\n"),
	})
	expect(t, "stdout", got.stdout, "piped\nend\n")
	expect(t, "exit code", exitStatus(t, got.err), 3)
}

func TestServeExecCarriesBinaryDataBothWays(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	sent := make([]byte, p.volume(64<<20))
	_, _ = rand.Read(sent)

	var back bytes.Buffer

	got := stream(t, c.serveExec(false, "cat"), remotecommand.StreamOptions{
		Stdin: bytes.NewReader(sent), Stdout: &back,
	})
	must(t, got.err)

	if !bytes.Equal(back.Bytes(), sent) {
		t.Fatalf("%d bytes came back of %d, or others", back.Len(), len(sent))
	}
}

func TestServeExecOfAMissingCommandSaysWhy(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	got := stream(t, c.serveExec(false, "no-such-command"), remotecommand.StreamOptions{})
	expectText(t, "error", mustFail(t, "exec", got.err)+got.stderr, "not found")
}

func TestServeExecWithoutStdin(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	served, err := p.ServeExecContainer(bounded(t), &client.ServeExecContainerConfig{
		ID: c.id, Command: []string{"cat"}, Stdout: true, Stderr: true,
	})
	must(t, err)
	p.listens("streaming", "socket")
	expect(t, "exit code", exitStatus(t, stream(t, served.URL, remotecommand.StreamOptions{}).err), 0)
}

func TestServeExecEndsWithItsClient(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	executor, err := remotecommand.NewWebSocketExecutor(&rest.Config{}, http.MethodGet,
		c.serveExec(false, "sh", "-c", "while :; do echo tick; sleep 0.01; done"))
	must(t, err)

	ctx, cancel := context.WithCancel(context.Background())
	out := &sink{}
	ended := make(chan error, 1)

	go func() {
		ended <- executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: out, Stderr: io.Discard})
	}()

	out.shows(t, "tick")
	cancel()
	mustFail(t, "the session", <-ended)

	if !eventually(func() bool { return !strings.Contains(string(c.exec("ps", "-o", "args").Stdout), "tick") }) {
		t.Error("the exec goes on without its client")
	}
}

func TestServeExecInAnUnknownContainerFails(t *testing.T) {
	p := newPod(t)
	_, err := p.ServeExecContainer(bounded(t), &client.ServeExecContainerConfig{ID: "unknown", Command: []string{"true"}, Stdout: true})
	mustFail(t, "exec", err)
}

func TestServeAttachCarriesAllStreams(t *testing.T) {
	p := newPod(t)
	c := p.shell(false)
	reader, writer := io.Pipe()
	out, errs := &sink{}, &sink{}
	got := make(chan streamed, 1)
	address := c.serveAttach(true)

	go func() {
		got <- stream(t, address, remotecommand.StreamOptions{Stdin: reader, Stdout: out, Stderr: errs})
	}()

	_, err := writer.Write([]byte("echo to-stdout; echo to-stderr >&2\n"))
	must(t, err)
	out.shows(t, "to-stdout\n")
	errs.shows(t, "to-stderr\n")

	_, err = writer.Write([]byte("exit\n"))
	must(t, err)
	expect(t, "exit code", c.exit(), 0)
	<-got
	must(t, writer.Close())
}

func TestServeAttachToATerminal(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{
		args: []string{"sh", "-c", "while :; do echo tick; sleep 0.01; done"}, terminal: true,
	})
	executor, err := remotecommand.NewWebSocketExecutor(&rest.Config{}, http.MethodGet, c.serveAttach(false))
	must(t, err)

	ctx, cancel := context.WithCancel(context.Background())
	out := &sink{}
	ended := make(chan error, 1)

	go func() { ended <- executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: out, Tty: true}) }()

	out.shows(t, "tick\r\n")
	cancel()
	mustFail(t, "the session", <-ended)
	expect(t, "container alive", alive(c.pid), true)
}

func TestServeAttachHandsTheEndOfStdinOn(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"sh", "-c", "cat; echo end; sleep 0.05"}, request: withStdin})
	got := stream(t, c.serveAttach(true), remotecommand.StreamOptions{Stdin: strings.NewReader("piped\n")})
	expect(t, "stdout", got.stdout, "piped\nend\n")
	expect(t, "exit code", c.exit(), 0)
}

func TestServeAttachToAnUnknownContainerFails(t *testing.T) {
	p := newPod(t)
	_, err := p.ServeAttachContainer(bounded(t), &client.ServeAttachContainerConfig{ID: "unknown", Stdout: true})
	mustFail(t, "attach", err)
}

func TestServedAddressIsGoodOnce(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	address := c.serveExec(false, "true")
	must(t, stream(t, address, remotecommand.StreamOptions{}).err)
	mustFail(t, "second use", stream(t, address, remotecommand.StreamOptions{}).err)
	expect(t, "status of the second use", p.status(t, http.MethodGet, address), http.StatusNotFound)
}

func TestServedAddressWithAnotherTokenIsNotFound(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	address, err := url.Parse(c.serveExec(false, "true"))
	must(t, err)

	for _, path := range []string{"/exec/" + strings.Repeat("A", 43), "/exec/", "/", "/other", "/exec/../etc/passwd"} {
		address.Path = path
		expect(t, "status of "+path, p.status(t, http.MethodGet, address.String()), http.StatusNotFound)
	}
}

// status is what a WebSocket handshake at an address is answered with.
func (p *pod) status(t *testing.T, method, address string) int {
	t.Helper()

	request, err := http.NewRequestWithContext(bounded(t), method, address, nil)
	must(t, err)

	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "v5.channel.k8s.io",
	} {
		request.Header.Set(name, value)
	}

	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()

	response, err := transport.RoundTrip(request)
	must(t, err)
	must(t, response.Body.Close())

	return response.StatusCode
}
