package conformance

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
)

// containerOptions is what a test wants of a container; what it leaves out is as CRI-O sends it.
type containerOptions struct {
	id       string
	args     []string
	terminal bool
	change   func(config map[string]any)                // of the bundle's config.json
	request  func(config *client.CreateContainerConfig) // of the request
}

// container is one that the server has created.
type container struct {
	pod     *pod
	id      string
	pid     int
	bundle  string
	logPath string
	exits   []string // the exit files, in the order of the request
	oom     string
	deleted bool
}

// containerCount makes ids, also over the servers of one test: their logs and exit files share a folder.
var containerCount int

// create asks the server for a container.
func (p *pod) create(options containerOptions) (*container, error) {
	p.t.Helper()

	if options.id == "" {
		containerCount++
		options.id = fmt.Sprintf("c%d", containerCount)
	}

	c := &container{
		pod:     p,
		id:      options.id,
		bundle:  p.bundle(p.t, options.id, &options),
		logPath: p.path(options.id + ".log"),
		exits:   []string{p.path("exits/" + options.id), p.path("bundles/" + options.id + "/exit")},
		oom:     p.path("bundles/" + options.id + "/oom"),
	}
	must(p.t, os.MkdirAll(p.path("exits"), 0o755))

	request := &client.CreateContainerConfig{
		ID:           c.id,
		BundlePath:   c.bundle,
		Terminal:     options.terminal,
		ExitPaths:    c.exits,
		OOMExitPaths: []string{c.oom},
		LogDrivers: []client.ContainerLogDriver{
			{Type: client.LogDriverTypeContainerRuntimeInterface, Path: c.logPath},
		},
	}

	if options.request != nil {
		options.request(request)
	}

	response, err := p.CreateContainer(bounded(p.t), request)
	if err != nil {
		return nil, err
	}

	c.pid = int(response.PID)
	p.containers = append(p.containers, c)

	return c, nil
}

// created is a container that must be created.
func (p *pod) created(options containerOptions) *container {
	p.t.Helper()

	c, err := p.create(options)
	if err != nil {
		p.t.Fatalf("create: %v", err)
	}

	return c
}

// run creates and starts a container.
func (p *pod) run(options containerOptions) *container {
	p.t.Helper()

	c := p.created(options)
	c.start()

	return c
}

// healthy is a container that lives until it is ended.
func (p *pod) healthy() *container {
	p.t.Helper()

	return p.run(containerOptions{args: []string{"workload", "pause"}})
}

// withStdin keeps the container's standard input open for attach clients.
func withStdin(request *client.CreateContainerConfig) { request.Stdin = true }

// shell reads commands from its standard input.
func (p *pod) shell(terminal bool) *container {
	p.t.Helper()

	return p.run(containerOptions{args: []string{"sh"}, terminal: terminal, request: withStdin})
}

// start starts it with the runtime's own command: the protocol has no method for it.
func (c *container) start() {
	c.pod.t.Helper()

	if _, err := c.pod.runtime("start", c.id); err != nil {
		c.pod.t.Fatalf("start: %v", err)
	}
}

// delete deletes it with the runtime's own command, alive or not.
func (c *container) delete() {
	c.pod.t.Helper()

	if c.deleted {
		return
	}

	c.deleted = true

	if _, err := c.pod.runtime("delete", "--force", c.id); err != nil && alive(int(c.pod.PID())) {
		c.pod.t.Errorf("delete: %v", err)
	}
}

// exit waits for the exit files and gives the code.
func (c *container) exit() int {
	c.pod.t.Helper()

	var text []byte

	// The first is the watched one: when it is there, the others must be complete.
	if !eventually(func() bool {
		found, err := os.ReadFile(c.exits[0])
		text = found

		return err == nil
	}) {
		c.pod.t.Fatalf("no exit file of %s", c.id)
	}

	if !regexp.MustCompile(`^\d+$`).Match(text) {
		c.pod.t.Fatalf("the exit file of %s showed with %q in it", c.id, text)
	}

	for _, path := range c.exits[1:] {
		other, err := os.ReadFile(path)
		if err != nil || string(other) != string(text) {
			c.pod.t.Fatalf("exit file %s: %q, %v; the watched one has %q", path, other, err, text)
		}
	}

	code, err := strconv.Atoi(string(text))
	must(c.pod.t, err)

	return code
}

// exec runs a command in it. It must come to an answer; the answer is the test's to judge.
func (c *container) exec(command ...string) *client.ExecContainerResult {
	c.pod.t.Helper()

	return c.execWith(client.ExecSyncConfig{Command: command})
}

func (c *container) execWith(config client.ExecSyncConfig) *client.ExecContainerResult {
	c.pod.t.Helper()

	config.ID = c.id

	result, err := c.pod.ExecSyncContainer(bounded(c.pod.t), &config)
	if err != nil {
		c.pod.t.Fatalf("exec of %q: %v", config.Command, err)
	}

	return result
}

// record is one line of a CRI log.
type record struct{ stream, tag, text string }

var recordForm = regexp.MustCompile(
	`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP]) (.*)$`)

// records reads a CRI log; each line must have the form that the kubelet reads.
func records(t *testing.T, path string) []record {
	t.Helper()

	text := readOr(path)
	if text == "" {
		return nil
	}

	if !strings.HasSuffix(text, "\n") {
		t.Fatalf("%s ends within a record: %q", path, tail(text, 200))
	}

	var found []record

	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		parts := recordForm.FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("%s has a line of another form: %q", path, line)
		}

		found = append(found, record{parts[1], parts[2], parts[3]})
	}

	return found
}

// output joins what one stream wrote, as the log has it.
func output(found []record, stream string) string {
	var text strings.Builder

	for _, r := range found {
		if r.stream != stream {
			continue
		}

		text.WriteString(r.text)

		if r.tag == "F" {
			text.WriteByte('\n')
		}
	}

	return text.String()
}

// mustFail gives the text of the error that a call has to end with.
func mustFail(t *testing.T, what string, err error) string {
	t.Helper()

	if err == nil {
		t.Fatalf("%s succeeded", what)
	}

	if err == context.DeadlineExceeded {
		t.Fatalf("%s hangs", what)
	}

	return err.Error()
}
