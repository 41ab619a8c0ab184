package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"testing"
	"time"

	"github.com/containers/conmon-rs/pkg/client"
)

// connect makes the server listen and connects to the attach socket without the client between.
func (c *container) connect(stop bool) *net.UnixConn {
	c.pod.t.Helper()

	conn := make(chan *net.UnixConn, 1)
	// With `Passthrough` the client asks the server, and leaves the socket to others.
	err := c.pod.AttachContainer(bounded(c.pod.t), &client.AttachConfig{
		ID: c.id, SocketPath: c.attachPath(), StopAfterStdinEOF: stop, Passthrough: true,
		PreAttachFunc: func() error {
			dialled, err := client.DialLongSocket("unixpacket", c.attachPath())
			conn <- dialled

			return err
		},
	})
	must(c.pod.t, err)

	connected := <-conn
	must(c.pod.t, connected.SetDeadline(time.Now().Add(2*hang)))
	c.pod.t.Cleanup(func() { connected.Close() })

	return connected
}

// packets reads all packets to the end of the connection, and gives the streams' bytes. It checks the form.
func packets(t *testing.T, conn *net.UnixConn) (stdout, stderr []byte) {
	t.Helper()

	buffer := make([]byte, 1<<20)
	done := false

	for {
		length, err := conn.Read(buffer)
		if err == io.EOF {
			if !done {
				t.Fatal("the connection ended without a done packet")
			}

			return stdout, stderr
		}

		must(t, err)

		if done {
			t.Fatalf("a packet of %d bytes after the done packet", length)
		}

		if length > 8192 {
			t.Fatalf("a packet of %d bytes", length)
		}

		switch data := buffer[1:length]; buffer[0] {
		case 0:
			expect(t, "length of the done packet", length, 1)

			done = true
		case 2:
			stdout = append(stdout, data...)
		case 3:
			stderr = append(stderr, data...)
		default:
			t.Fatalf("a packet of kind %d", buffer[0])
		}
	}
}

func TestAttachPacketsHaveTheirForm(t *testing.T) {
	p := newPod(t)
	c := p.created(containerOptions{
		args: []string{"workload", "print", "stdout", "600000", "then", "print", "stderr", "100000"},
	})
	conn := c.connect(false)
	c.start()

	stdout, stderr := packets(t, conn)
	expect(t, "bytes of stdout", len(stdout), 600_000)
	expect(t, "bytes of stderr", len(stderr), 100_000)
	expect(t, "exit code", c.exit(), 0)
}

func TestAttachCarriesBinaryDataBothWays(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{
		args:    []string{"cat"},
		request: func(request *client.CreateContainerConfig) { request.Stdin, request.LogDrivers = true, nil },
	})
	conn := c.connect(true)
	sent := make([]byte, p.volume(64<<20))
	_, _ = rand.Read(sent)
	written := make(chan error, 1)

	go func() {
		for at := 0; at < len(sent); at += 8192 {
			if _, err := conn.Write(sent[at:min(at+8192, len(sent))]); err != nil {
				written <- err

				return
			}
		}
		written <- conn.CloseWrite()
	}()

	stdout, _ := packets(t, conn)
	must(t, <-written)

	if !bytes.Equal(stdout, sent) {
		t.Fatalf("%d bytes came back of %d, or others", len(stdout), len(sent))
	}

	expect(t, "exit code", c.exit(), 0)
}

func TestAttachClientThatReadsNothingStallsNobody(t *testing.T) {
	p := newPod(t)
	c := p.created(containerOptions{
		// In pieces: a client that is read from gets along with it, also on a busy machine.
		args: []string{"sh", "-c", "for n in $(seq 100); do workload print stdout 50000; sleep 0.005; done; exit 7"},
	})
	idle := c.connect(false)
	s := c.attach(false, nil)
	c.start()

	must(t, s.end())
	expect(t, "bytes of the other client", len(s.stdout.String()), 5_000_000)
	expect(t, "exit code", c.exit(), 7)
	must(t, idle.Close())
}

func TestAttachClientsThatVanish(t *testing.T) {
	p := newPod(t)
	c := p.run(containerOptions{args: []string{"sh", "-c", "while :; do echo tick; done"}})

	for range 20 {
		conn := c.connect(false)
		_, err := conn.Read(make([]byte, 10))
		must(t, err)
		must(t, conn.Close())
	}

	expect(t, "exit code of an exec", c.exec("workload", "exit", "3").ExitCode, 3)
}

func TestAttachToAnExecSessionThatIsUnknownFails(t *testing.T) {
	p := newPod(t)
	c := p.healthy()
	err := p.AttachContainer(context.Background(), &client.AttachConfig{
		ID: c.id, SocketPath: c.attachPath(), ExecSession: "unknown", Passthrough: true,
	})

	if p.ours() {
		mustFail(t, "attach", err)
	}
}
