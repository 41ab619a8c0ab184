package conformance

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containers/conmon-rs/pkg/client"
)

// pipe is one whose ends are closed with the test.
func pipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()

	reader, writer, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { reader.Close(); writer.Close() })

	return reader, writer
}

// remote connects to the fd socket.
func (p *pod) remote() *client.RemoteFDs {
	p.t.Helper()

	remote, err := p.RemoteFDs(bounded(p.t))
	must(p.t, err)

	p.listens("fd socket", p.RuntimeDir, "socket")

	return remote
}

// send hands the descriptor over and closes it here.
func send(t *testing.T, remote *client.RemoteFDs, files ...*os.File) []client.RemoteFD {
	t.Helper()

	var descriptors []int

	for _, file := range files {
		descriptors = append(descriptors, int(file.Fd()))
	}

	slots, err := remote.Send(descriptors...)
	must(t, err)

	for _, file := range files {
		must(t, file.Close())
	}

	return slots
}

// readEnd reads to the end, which comes when nobody holds the other side any more.
func readEnd(t *testing.T, reader *os.File) string {
	t.Helper()
	must(t, reader.SetReadDeadline(time.Now().Add(hang)))

	text, err := io.ReadAll(reader)
	must(t, err)

	return string(text)
}

// isOpen says whether somebody still holds the other side.
func isOpen(t *testing.T, reader *os.File) bool {
	t.Helper()
	must(t, reader.SetReadDeadline(time.Now().Add(200*time.Millisecond)))

	_, err := reader.Read(make([]byte, 1))

	return os.IsTimeout(err)
}

func TestFdSocketIsOneForAll(t *testing.T) {
	p := newPod(t)
	first, second := p.remote(), p.remote()
	expectSocket(t, filepath.Join(p.RuntimeDir, "conmon-fd.sock"))

	_, one := pipe(t)
	_, two := pipe(t)
	a, b := send(t, first, one), send(t, second, two)

	if a[0] == b[0] {
		t.Errorf("two descriptors in one slot: %v", a[0])
	}

	must(t, first.Close())
	must(t, second.Close())
}

func TestAdditionalDescriptorsReachTheContainer(t *testing.T) {
	p := newPod(t)
	remote := p.remote()
	reader, writer := pipe(t)
	other, third := pipe(t)
	slots := send(t, remote, writer, third)

	c := p.run(containerOptions{
		args: []string{"sh", "-c", "echo three >&3; echo four >&4; exec workload pause"},
		request: func(request *client.CreateContainerConfig) {
			request.AdditionalFDs = slots
			request.CommandArgs = []string{"--preserve-fds=2"}
		},
	})
	must(t, remote.Close())

	for _, carried := range []struct {
		by   *os.File
		text string
	}{{reader, "three\n"}, {other, "four\n"}} {
		line := make([]byte, len(carried.text))
		_, err := io.ReadFull(carried.by, line)
		must(t, err)
		expect(t, "what came", string(line), carried.text)
	}

	// With the container its descriptors go: nobody else holds them.
	c.delete()
	expect(t, "rest of descriptor 3", readEnd(t, reader), "")
	expect(t, "rest of descriptor 4", readEnd(t, other), "")
}

func TestLeakedDescriptorsStayOpenAsLongAsTheContainer(t *testing.T) {
	p := newPod(t)
	remote := p.remote()
	reader, writer := pipe(t)
	slots := send(t, remote, writer)

	c := p.run(containerOptions{
		args:    []string{"sh", "-c", "ls /proc/self/fd | wc -l; exec workload pause"},
		request: func(request *client.CreateContainerConfig) { request.LeakFDs = slots },
	})
	must(t, remote.Close())
	expect(t, "held with the container", isOpen(t, reader), true)

	c.delete()
	expect(t, "what was written", readEnd(t, reader), "")
}

func TestDescriptorsThatNobodyTookAreClosedWithTheirConnection(t *testing.T) {
	p := newPod(t)
	remote := p.remote()
	reader, writer := pipe(t)
	slots := send(t, remote, writer)
	expect(t, "held with the connection", isOpen(t, reader), true)

	must(t, remote.Close())
	readEnd(t, reader)

	_, err := p.create(containerOptions{
		args:    []string{"true"},
		request: func(request *client.CreateContainerConfig) { request.AdditionalFDs = slots },
	})
	mustFail(t, "create with a slot that is gone", err)
}

func TestDescriptorsOfAFailedCreateAreClosed(t *testing.T) {
	p := newPod(t)
	remote := p.remote()
	reader, writer := pipe(t)
	other, leaked := pipe(t)
	slots := send(t, remote, writer, leaked)

	_, err := p.create(containerOptions{
		args: []string{"no-such-command"},
		request: func(request *client.CreateContainerConfig) {
			request.AdditionalFDs, request.LeakFDs = slots[:1], slots[1:]
		},
	})
	mustFail(t, "create", err)

	// Who keeps them, the server or the connection, is the server's affair; with the connection they are gone.
	must(t, remote.Close())
	readEnd(t, reader)
	readEnd(t, other)
}

func TestASlotIsTakenOnce(t *testing.T) {
	p := newPod(t)
	remote := p.remote()
	_, writer := pipe(t)
	slots := send(t, remote, writer)
	leak := func(request *client.CreateContainerConfig) { request.LeakFDs = slots }

	p.created(containerOptions{args: []string{"true"}, request: leak})

	_, err := p.create(containerOptions{args: []string{"true"}, request: leak})
	mustFail(t, "create with a slot that is taken", err)
	must(t, remote.Close())
}

func TestAnUnknownSlotFailsTheCreate(t *testing.T) {
	p := newPod(t)
	_, err := p.create(containerOptions{
		args:    []string{"true"},
		request: func(request *client.CreateContainerConfig) { request.AdditionalFDs = []client.RemoteFD{12345} },
	})
	expectText(t, "error", mustFail(t, "create", err), "12345")
}

func TestDescriptorsAsManyAsAMessageHolds(t *testing.T) {
	p := newPod(t)
	remote := p.remote()
	reader, writer := pipe(t)

	all := make([]int, 253)
	for n := range all {
		all[n] = int(writer.Fd())
	}

	slots, err := remote.Send(all...)
	must(t, err)
	expect(t, "number of slots", len(slots), len(all))
	must(t, writer.Close())

	seen := map[client.RemoteFD]bool{}
	for _, slot := range slots {
		seen[slot] = true
	}

	expect(t, "number of different slots", len(seen), len(all))
	must(t, remote.Close())
	readEnd(t, reader)
}

// fdSocket connects without the client between.
func (p *pod) fdSocket() *net.UnixConn {
	p.t.Helper()

	must(p.t, p.remote().Close())

	conn, err := client.DialLongSocket("unixpacket", filepath.Join(p.RuntimeDir, "conmon-fd.sock"))
	must(p.t, err)
	must(p.t, conn.SetDeadline(time.Now().Add(hang)))
	p.t.Cleanup(func() { conn.Close() })

	return conn
}

func request(id uint32, count int) []byte {
	return binary.LittleEndian.AppendUint64(nil, uint64(id)<<32|uint64(count))
}

func TestAnEmptyRequestClosesWhatTheConnectionHolds(t *testing.T) {
	p := newPod(t)
	conn := p.fdSocket()
	reader, writer := pipe(t)
	ask := func(message []byte, files ...int) {
		t.Helper()

		_, _, err := conn.WriteMsgUnix(message, syscall.UnixRights(files...), nil)
		must(t, err)
	}
	answer := make([]byte, 4096)

	ask(request(7, 1), int(writer.Fd()))
	must(t, writer.Close())

	length, err := conn.Read(answer)
	must(t, err)
	expect(t, "length of the answer", length, 16)
	expect(t, "answered request", binary.LittleEndian.Uint64(answer), uint64(7)<<32|1)
	expect(t, "held", isOpen(t, reader), true)

	_, err = conn.Write(request(0, 0))
	must(t, err)
	readEnd(t, reader)

	// It had no answer of its own: the next one belongs to the next request.
	_, another := pipe(t)
	ask(request(8, 1), int(another.Fd()))

	_, err = conn.Read(answer)
	must(t, err)
	expect(t, "answered request", binary.LittleEndian.Uint64(answer), uint64(8)<<32|1)
}

func TestARequestWithAnotherNumberOfDescriptorsFails(t *testing.T) {
	p := newPod(t)
	conn := p.fdSocket()
	reader, writer := pipe(t)

	_, _, err := conn.WriteMsgUnix(request(9, 2), syscall.UnixRights(int(writer.Fd())), nil)
	must(t, err)
	must(t, writer.Close())

	answer := make([]byte, 4096)
	length, err := conn.Read(answer)
	must(t, err)
	expect(t, "answered request", binary.LittleEndian.Uint64(answer), uint64(9)<<32|0xffffffff)

	if strings.TrimSpace(string(answer[8:length])) == "" {
		t.Error("the answer does not say what is wrong")
	}

	readEnd(t, reader)
}
