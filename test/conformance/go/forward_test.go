package conformance

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/containers/conmon-rs/pkg/client"
	"github.com/gorilla/websocket"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
)

// listenIn listens in the network namespace of a container, and serves each connection with `serve`.
func (c *container) listenIn(address string, serve func(net.Conn)) int {
	c.pod.t.Helper()

	type made struct {
		listener net.Listener
		err      error
	}

	result := make(chan made)

	go func() {
		// The thread is left in that namespace and ends with the goroutine.
		runtime.LockOSThread()

		namespace, err := unix.Open(c.netns(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(namespace, unix.CLONE_NEWNET)
			unix.Close(namespace)
		}

		if err != nil {
			result <- made{nil, err}

			return
		}

		listener, err := net.Listen("tcp", address)
		result <- made{listener, err}
	}()

	listening := <-result
	must(c.pod.t, listening.err)
	c.pod.t.Cleanup(func() { listening.listener.Close() })

	go func() {
		for {
			conn, err := listening.listener.Accept()
			if err != nil {
				return
			}

			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()

	return listening.listener.Addr().(*net.TCPAddr).Port
}

func (c *container) netns() string { return fmt.Sprintf("/proc/%d/ns/net", c.pid) }

// echo sends back what it gets, to the end.
func echo(conn net.Conn) { _, _ = io.Copy(conn, conn) }

// summary reads to the end, then says how many bytes that were: a half-closed connection has to carry the answer.
func summary(conn net.Conn) {
	count, _ := io.Copy(io.Discard, conn)
	fmt.Fprintf(conn, "%d bytes", count)
}

func (c *container) serveForward() string {
	c.pod.t.Helper()

	served, err := c.pod.ServePortForwardContainer(bounded(c.pod.t), &client.ServePortForwardContainerConfig{
		NetNsPath: c.netns(),
	})
	must(c.pod.t, err)
	c.pod.listens("streaming", "socket")

	return served.URL
}

// forward runs what `kubectl port-forward` runs, and gives the local port of each forwarded one.
func (c *container) forward(ports ...int) []int {
	c.pod.t.Helper()

	address, err := url.Parse(c.serveForward())
	must(c.pod.t, err)

	dialer, err := portforward.NewSPDYOverWebsocketDialer(address, &rest.Config{})
	must(c.pod.t, err)

	var wanted []string

	for _, port := range ports {
		wanted = append(wanted, fmt.Sprintf("0:%d", port))
	}

	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, wanted, stop, ready, io.Discard, io.Discard)
	must(c.pod.t, err)

	go func() { ended <- forwarder.ForwardPorts() }()

	select {
	case <-ready:
	case err := <-ended:
		c.pod.t.Fatalf("port-forward: %v", err)
	}

	c.pod.t.Cleanup(func() {
		close(stop)
		<-ended
	})

	forwarded, err := forwarder.GetPorts()
	must(c.pod.t, err)

	var local []int

	for _, pair := range forwarded {
		local = append(local, int(pair.Local))
	}

	return local
}

// dial connects to a forwarded port.
func dial(t *testing.T, port int) *net.TCPConn {
	t.Helper()

	conn, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	must(t, err)
	must(t, conn.SetDeadline(time.Now().Add(3*hang)))
	t.Cleanup(func() { conn.Close() })

	return conn
}

func TestForwardReachesTheNetworkNamespace(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			p := newPod(t)
			c := p.healthy()
			local := c.forward(c.listenIn(address, echo))
			conn := dial(t, local[0])

			_, err := conn.Write([]byte("there and back"))
			must(t, err)

			back := make([]byte, len("there and back"))
			_, err = io.ReadFull(conn, back)
			must(t, err)
			expect(t, "came back", string(back), "there and back")
		})
	}
}

func TestForwardHalfClosesBothWays(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	local := c.forward(c.listenIn("127.0.0.1:0", summary))
	conn := dial(t, local[0])

	_, err := conn.Write(make([]byte, 100_000))
	must(t, err)
	must(t, conn.CloseWrite())

	answer, err := io.ReadAll(conn)
	must(t, err)
	expect(t, "answer", string(answer), "100000 bytes")
}

func TestForwardOfSeveralPorts(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	greet := func(text string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = conn.Write([]byte(text)) }
	}
	local := c.forward(
		c.listenIn("127.0.0.1:0", greet("one")), c.listenIn("127.0.0.1:0", greet("two")), c.listenIn("[::1]:0", greet("three")))

	for n, wanted := range []string{"one", "two", "three"} {
		got, err := io.ReadAll(dial(t, local[n]))
		must(t, err)
		expect(t, "greeting", string(got), wanted)
	}
}

func TestForwardOfConnectionsAtOnce(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	local := c.forward(c.listenIn("127.0.0.1:0", echo))
	ended := make(chan error, 8)

	for range cap(ended) {
		conn := dial(t, local[0])

		go func() {
			sent := make([]byte, p.volume(16<<20))
			_, _ = rand.Read(sent)

			go func() {
				_, _ = conn.Write(sent)
				_ = conn.CloseWrite()
			}()

			back, err := io.ReadAll(conn)
			if err == nil && !bytes.Equal(back, sent) {
				err = fmt.Errorf("%d bytes came back of %d, or others", len(back), len(sent))
			}
			ended <- err
		}()
	}

	for range cap(ended) {
		must(t, <-ended)
	}
}

func TestForwardToAPortThatNobodyServesSaysSo(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	address, err := url.Parse(c.serveForward())
	must(t, err)

	dialer, err := portforward.NewSPDYOverWebsocketDialer(address, &rest.Config{})
	must(t, err)

	conn, protocol, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	must(t, err)
	expect(t, "protocol", protocol, portforward.PortForwardProtocolV1Name)

	defer conn.Close()

	// What `kubectl port-forward` does for each connection, by hand: it only logs what it is told.
	headers := http.Header{}
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	headers.Set(corev1.PortHeader, "1")
	headers.Set(corev1.PortForwardRequestIDHeader, "0")

	errors, err := conn.CreateStream(headers)
	must(t, err)
	must(t, errors.Close())
	headers.Set(corev1.StreamType, corev1.StreamTypeData)

	data, err := conn.CreateStream(headers)
	must(t, err)

	said, err := io.ReadAll(errors)
	must(t, err)
	expectText(t, "error", string(said), "refused")

	if got, err := io.ReadAll(data); err == nil && len(got) > 0 {
		t.Errorf("an answer of nobody: %q", got)
	}

	// The session lives on.
	expect(t, "exit code of an exec", c.exec("true").ExitCode, 0)
}

func TestForwardIntoAMissingNamespaceFails(t *testing.T) {
	p := newPod(t)

	for _, path := range []string{p.path("missing"), "relative", "", "/dev/null"} {
		_, err := p.ServePortForwardContainer(bounded(t), &client.ServePortForwardContainerConfig{NetNsPath: path})
		mustFail(t, fmt.Sprintf("port-forward into %q", path), err)
	}
}

// channels opens a port-forward over plain WebSocket, in one of the older protocols.
func (c *container) channels(protocol string, ports ...int) *websocket.Conn {
	c.pod.t.Helper()

	address := strings.Replace(c.serveForward(), "http:", "ws:", 1)
	for n, port := range ports {
		address += fmt.Sprintf("%cport=%d", "?&"[min(n, 1)], port)
	}

	dialer := websocket.Dialer{Subprotocols: []string{protocol}, HandshakeTimeout: hang}
	conn, response, err := dialer.Dial(address, nil)
	must(c.pod.t, err)
	must(c.pod.t, response.Body.Close())
	expect(c.pod.t, "protocol", conn.Subprotocol(), protocol)
	must(c.pod.t, conn.SetReadDeadline(time.Now().Add(hang)))
	c.pod.t.Cleanup(func() { conn.Close() })

	return conn
}

func TestForwardOverChannels(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	ports := []int{c.listenIn("127.0.0.1:0", echo), c.listenIn("127.0.0.1:0", echo)}
	conn := c.channels("v4.channel.k8s.io", ports...)
	expectPorts(t, conn, ports, func(data []byte) []byte { return data })

	for n, word := range []string{"one", "two"} {
		must(t, conn.WriteMessage(websocket.BinaryMessage, append([]byte{byte(2 * n)}, word...)))

		kind, data, err := conn.ReadMessage()
		must(t, err)
		expect(t, "kind", kind, websocket.BinaryMessage)
		expect(t, "answer", string(data), string(rune(2*n))+word)
	}
}

func TestForwardOverChannelsInBase64(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	ports := []int{c.listenIn("127.0.0.1:0", echo)}
	conn := c.channels("v4.base64.channel.k8s.io", ports...)

	// The channel is a digit here, and the rest is base64 in text messages.
	decode := func(data []byte) []byte {
		decoded, err := base64.StdEncoding.DecodeString(string(data[1:]))
		must(t, err)

		return append([]byte{data[0] - '0'}, decoded...)
	}
	expectPorts(t, conn, ports, decode)
	must(t, conn.WriteMessage(websocket.TextMessage, []byte("0"+base64.StdEncoding.EncodeToString([]byte("a\x00b")))))

	kind, data, err := conn.ReadMessage()
	must(t, err)
	expect(t, "kind", kind, websocket.TextMessage)
	expect(t, "answer", string(decode(data)), "\x00a\x00b")
}

// expectPorts reads the first frame of each channel, which names its port.
func expectPorts(t *testing.T, conn *websocket.Conn, ports []int, decode func([]byte) []byte) {
	t.Helper()

	seen := map[byte]int{}

	for range 2 * len(ports) {
		_, data, err := conn.ReadMessage()
		must(t, err)

		frame := decode(data)
		expect(t, "length of a first frame", len(frame), 3)
		seen[frame[0]] = int(binary.LittleEndian.Uint16(frame[1:]))
	}

	for n, port := range ports {
		expect(t, "port of the data channel", seen[byte(2*n)], port)
		expect(t, "port of the error channel", seen[byte(2*n+1)], port)
	}
}
