package conformance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/containers/conmon-rs/pkg/client"
	"github.com/sirupsen/logrus"
)

// pod is a server with the client that started it. When the test ends, the containers are deleted, the server is asked
// to end, and both are looked at: what it still held before, what it left after.
type pod struct {
	*client.ConmonClient
	ground
	t          *testing.T
	log        string // path of what the server says
	containers []*container
	held       []string        // descriptors of the server when it had just started
	listeners  map[string]bool // what the server listens on beside conmon.sock
}

// serverConfig is what a test starts a server with, and so does CRI-O but for the log driver.
func (g *ground) serverConfig(t *testing.T) *client.ConmonServerConfig {
	t.Helper()

	config := client.NewConmonServerConfig(g.Runtime, g.RuntimeRoot, g.RuntimeDir)
	config.ConmonServerPath = g.Server
	config.CgroupManager = client.CgroupManagerCgroupfs
	config.LogDriver = client.LogDriverStdout
	config.LogLevel = client.LogLevelDebug
	config.ClientLogger = logrus.New()

	log, err := os.OpenFile(g.path("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	t.Cleanup(func() { log.Close() })

	config.Stdout, config.Stderr = log, log

	return config
}

// newPod starts a server through the client.
func newPod(t *testing.T, change ...func(*client.ConmonServerConfig)) *pod {
	t.Helper()

	g := loadGround(t)
	config := g.serverConfig(t)

	for _, apply := range change {
		apply(config)
	}

	started, err := client.New(config)
	if err != nil {
		t.Fatalf("starting the server: %v\n%s", err, readOr(g.path("server.log")))
	}

	g.RuntimeDir = config.ServerRunDir
	p := &pod{ConmonClient: started, ground: g, t: t, log: g.path("server.log"), listeners: map[string]bool{}}
	p.held = descriptors(int(started.PID()))

	t.Cleanup(p.end)

	return p
}

// end is what every test ends with.
func (p *pod) end() {
	p.t.Helper()

	for _, c := range p.containers {
		c.delete()
	}

	if alive(int(p.PID())) {
		p.expectNothingHeld()

		if err := p.Shutdown(); err != nil {
			p.t.Errorf("shutdown: %v", err)
		}
	}

	for _, name := range []string{"conmon.sock", "conmon-fd.sock"} {
		if _, err := os.Lstat(filepath.Join(p.RuntimeDir, name)); err == nil {
			p.t.Errorf("%s is there after the shutdown", name)
		}
	}

	if p.t.Failed() {
		p.t.Logf("the server's last words:\n%s", tail(readOr(p.log), 4000))
	}
}

// expectNothingHeld waits until the server holds the descriptors that it had at its start, and has no zombie and no
// other child. Ends of processes are the server's events: nobody tells a test of them.
func (p *pod) expectNothingHeld() {
	p.t.Helper()

	pid := int(p.PID())

	// A failed call closes the client's connection; it is held at the start, so it has to be there again.
	if _, err := p.Version(context.Background(), nil); err != nil {
		p.t.Errorf("version at the end: %v", err)
	}

	var more, children []string

	if !eventually(func() bool {
		more, children = beyond(descriptors(pid), p.held), childrenOf(pid)

		return len(more) == 0 && len(children) == 0
	}) {
		p.t.Errorf("the server still holds descriptors %v and children %v", more, children)
	}
}

// listens tells that from now on, and to its end, the server listens on what it was asked for, with these descriptors.
func (p *pod) listens(what string, descriptors ...string) {
	if !p.listeners[what] {
		p.listeners[what], p.held = true, append(p.held, descriptors...)
	}
}

// runtime runs the OCI runtime as CRI-O does it beside the server, and gives what it says.
func (p *pod) runtime(arguments ...string) (string, error) {
	command := exec.Command(p.Runtime, append([]string{"--root", p.RuntimeRoot}, arguments...)...)

	said, err := command.CombinedOutput()
	if err != nil {
		return string(said), fmt.Errorf("%s %v: %w: %s", p.Runtime, arguments, err, said)
	}

	return string(said), nil
}

// hang bounds the waits in which only a hang would show.
const hang = 20 * time.Second

// eventually looks until it is so, for a bounded time; for what tells nobody when it happens.
func eventually(look func() bool) bool {
	for end, pause := time.Now().Add(hang), time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if look() {
			return true
		}

		if time.Now().After(end) {
			return false
		}

		time.Sleep(pause)
	}
}

// bounded is a context that ends where only a hang would reach it.
func bounded(t *testing.T) context.Context {
	t.Helper()

	ctx, cancel := context.WithTimeout(context.Background(), hang)
	t.Cleanup(cancel)

	return ctx
}
