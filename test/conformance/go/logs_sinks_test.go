package conformance

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/containers/conmon-rs/pkg/client"
	"golang.org/x/sys/unix"
)

// logTo makes a request log to these sinks.
func logTo(drivers ...client.ContainerLogDriver) func(*client.CreateContainerConfig) {
	return func(request *client.CreateContainerConfig) { request.LogDrivers = drivers }
}

// jsonRecord is one line of a JSON log.
type jsonRecord struct {
	Timestamp *float64 `json:"timestamp"`
	Pipe      string   `json:"pipe"`
	Message   string   `json:"message"`
}

func jsonRecords(t *testing.T, path string) []jsonRecord {
	t.Helper()

	var found []jsonRecord

	for line := range strings.Lines(readOr(path)) {
		var r jsonRecord

		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Timestamp == nil {
			t.Fatalf("%s has a line of another form: %q: %v", path, line, err)
		}

		found = append(found, r)
	}

	return found
}

func TestLogAsJSON(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		path := p.path(fmt.Sprintf("json-%t", terminal))
		before := float64(time.Now().Unix())
		c := p.run(containerOptions{
			args:     []string{"sh", "-c", `echo 'a "quoted" line'; echo other >&2`},
			terminal: terminal,
			request:  logTo(client.ContainerLogDriver{Type: client.LogDriverTypeJSONLogger, Path: path}),
		})
		expect(t, "exit code", c.exit(), 0)

		found := jsonRecords(t, path)
		expect(t, "number of lines", len(found), 2)

		lines := map[string]string{}

		for _, r := range found {
			lines[strings.TrimRight(r.Message, "\r")] = r.Pipe

			if *r.Timestamp < before || *r.Timestamp > float64(time.Now().Unix()+1) {
				t.Errorf("timestamp %f is not that of now", *r.Timestamp)
			}
		}

		expect(t, `pipe of the first line`, lines[`a "quoted" line`], "stdout")

		if !terminal {
			expect(t, "pipe of the second line", lines["other"], "stderr")
		}
	})
}

func TestLogToSeveralSinks(t *testing.T) {
	p := newPod(t)
	cri, other, object := p.path("cri"), p.path("other"), p.path("json")
	c := p.run(containerOptions{
		args: []string{"seq", "1", "1000"},
		request: logTo(
			client.ContainerLogDriver{Type: client.LogDriverTypeContainerRuntimeInterface, Path: cri},
			client.ContainerLogDriver{Type: client.LogDriverTypeJSONLogger, Path: object},
			client.ContainerLogDriver{Type: client.LogDriverTypeContainerRuntimeInterface, Path: other},
		),
	})
	expect(t, "exit code", c.exit(), 0)
	expectLines(t, []string{cri}, 1000)
	expectLines(t, []string{other}, 1000)

	found := jsonRecords(t, object)
	expect(t, "number of objects", len(found), 1000)
	expect(t, "last message", found[999].Message, "1000")
}

func TestLogWithASizeKeepsTheNewestAtItsPath(t *testing.T) {
	eachWay(t, func(t *testing.T, terminal bool) {
		p := newPod(t)
		path := p.path(fmt.Sprintf("sized-%t.log", terminal))
		c := p.run(containerOptions{
			args:     []string{"sh", "-c", "echo hello && echo world"},
			terminal: terminal,
			request: logTo(client.ContainerLogDriver{
				Type: client.LogDriverTypeContainerRuntimeInterface, Path: path, MaxSize: 50,
			}),
		})
		expect(t, "exit code", c.exit(), 0)

		newest := output(records(t, path), "stdout")
		expectText(t, "newest file", newest, "world")

		if strings.Contains(newest, "hello") {
			t.Error("the first line is in the newest file, past the size")
		}

		if p.ours() {
			files, _ := filepath.Glob(path + "*")
			all := ""

			for _, file := range files {
				all += readOr(file)
			}

			expect(t, "first line kept, over all files", strings.Count(all, "hello"), 1)
		}
	})
}

func TestLogWithASizeLosesNoLine(t *testing.T) {
	p := newPod(t)
	if !p.ours() {
		t.Skip("conmon-rs truncates")
	}

	const lines = 20_000

	path := p.path("sized.log")
	c := p.run(containerOptions{
		args: []string{"seq", "1", itoa(lines)},
		request: logTo(client.ContainerLogDriver{
			Type: client.LogDriverTypeContainerRuntimeInterface, Path: path, MaxSize: 100_000,
		}),
	})
	expect(t, "exit code", c.exit(), 0)

	files, _ := filepath.Glob(path + "*")
	seen := map[string]int{}

	for _, file := range files {
		found, err := os.Stat(file)
		must(t, err)

		if found.Size() > 100_000 {
			t.Errorf("%s has %d bytes", file, found.Size())
		}

		for _, r := range records(t, file) {
			seen[r.text]++
		}
	}

	for n := range lines {
		if seen[itoa(n+1)] != 1 {
			t.Fatalf("line %d is there %d times, over %d files", n+1, seen[itoa(n+1)], len(files))
		}
	}
}

func TestReopenOpensEverySink(t *testing.T) {
	p := newPod(t)
	cri, object := p.path("cri"), p.path("json")
	c := p.run(containerOptions{
		args: []string{"sh", "-c", "while :; do echo tick; sleep 0.01; done"},
		request: logTo(
			client.ContainerLogDriver{Type: client.LogDriverTypeContainerRuntimeInterface, Path: cri},
			client.ContainerLogDriver{Type: client.LogDriverTypeJSONLogger, Path: object},
		),
	})

	for _, path := range []string{cri, object} {
		if !eventually(func() bool { return readOr(path) != "" }) {
			t.Fatalf("nothing in %s", path)
		}

		must(t, os.Rename(path, path+".1"))
	}

	must(t, c.reopen())

	for _, path := range []string{cri, object} {
		if !eventually(func() bool { return readOr(path) != "" }) {
			t.Errorf("nothing in %s after the reopen", path)
		}
	}
}

func TestLogToTheJournal(t *testing.T) {
	journal := standInJournal(t)
	p := newPod(t)
	c := p.run(containerOptions{
		args:    []string{"sh", "-c", "echo hello world; echo an error >&2; printf end"},
		request: logTo(client.ContainerLogDriver{Type: client.LogDriverTypeJournald}),
	})
	expect(t, "exit code", c.exit(), 0)

	entries := map[string]map[string]string{}
	buffer := make([]byte, 1<<16)

	for len(entries) < 3 {
		must(t, journal.SetReadDeadline(time.Now().Add(hang)))

		length, err := journal.Read(buffer)
		must(t, err)

		entry := journalEntry(t, buffer[:length])
		if entry["CONTAINER_ID"] == c.id || !p.ours() {
			entries[entry["MESSAGE"]] = entry
		}
	}

	if p.ours() {
		expect(t, "priority of stdout", entries["hello world"]["PRIORITY"], "6")
		expect(t, "stream of stdout", entries["hello world"]["CONTAINER_STREAM"], "stdout")
		expect(t, "priority of stderr", entries["an error"]["PRIORITY"], "3")
		expect(t, "stream of stderr", entries["an error"]["CONTAINER_STREAM"], "stderr")
		expect(t, "last line there", entries["end"]["CONTAINER_ID"], c.id)
	}
}

// standInJournal listens where journald does, in a mount namespace which the server that is started next shares.
func standInJournal(t *testing.T) *net.UnixConn {
	t.Helper()

	if !exists("/run") {
		t.Skip("there is no /run")
	}

	runtime.LockOSThread() // Never unlocked: the thread ends with the test.
	must(t, unix.Unshare(unix.CLONE_NEWNS))
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(t, unix.Mount("conformance", "/run", "tmpfs", 0, ""))
	must(t, os.MkdirAll("/run/systemd/journal", 0o755))

	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/run/systemd/journal/socket", Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { conn.Close() })

	return conn
}

// journalEntry reads one datagram of journald's native protocol.
func journalEntry(t *testing.T, data []byte) map[string]string {
	t.Helper()

	entry := map[string]string{}

	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte{'\n'})
		if key, value, plain := bytes.Cut(line, []byte{'='}); plain {
			entry[string(key)], data = string(value), rest

			continue
		}

		if len(rest) < 8 {
			t.Fatalf("a field without its length: %q", data)
		}

		length := binary.LittleEndian.Uint64(rest)
		entry[string(line)], data = string(rest[8:8+length]), rest[9+length:]
	}

	return entry
}
