package conformance

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
	"k8s.io/client-go/tools/remotecommand"
)

// anonymous is the memory of a process that is its own and no file's, in kB.
func anonymous(t *testing.T, pid int) int {
	t.Helper()

	found := regexp.MustCompile(`RssAnon:\s+(\d+) kB`).FindStringSubmatch(readOr(fmt.Sprintf("/proc/%d/status", pid)))
	if found == nil {
		t.Fatalf("process %d does not tell its memory", pid)
	}

	kilobytes, err := strconv.Atoi(found[1])
	must(t, err)

	return kilobytes
}

func TestRoundsOfEverythingCostNothing(t *testing.T) {
	// What is kept of ended containers is memory well spent, and not what is measured.
	t.Setenv("PODHERD_ENDED_CONTAINERS", "4")

	p := newPod(t)
	remote := p.remote()

	warm, rounds := 8, 8

	if p.Full {
		warm, rounds = 15, 30
	}

	// An allocator keeps room for the most that was ever needed at once, and gives some back now and then: the least
	// after the last rounds against the most after the first ones.
	var most, least int

	for n := range warm + rounds {
		p.round(t, remote, n)

		now := anonymous(t, int(p.PID()))

		switch {
		case n < warm:
			most = max(most, now)
		case n == warm+rounds-5:
			least = now
		case n > warm+rounds-5:
			least = min(least, now)
		}
	}

	must(t, remote.Close())
	p.expectNothingHeld()

	if least > most+1024 {
		t.Errorf("%d rounds took the server from %d to %d kB", rounds, most, least)
	}
}

// round uses all that a pod's life uses, and leaves nothing of it.
func (p *pod) round(t *testing.T, remote *client.RemoteFDs, n int) {
	t.Helper()

	_, writer := pipe(t)
	slots := send(t, remote, writer)
	path := p.path(fmt.Sprintf("round-%d.json", n))
	c := p.run(containerOptions{
		args: []string{"sh"},
		request: func(request *client.CreateContainerConfig) {
			request.Stdin, request.LeakFDs = true, slots
			request.LogDrivers = append(request.LogDrivers,
				client.ContainerLogDriver{Type: client.LogDriverTypeJSONLogger, Path: path, MaxSize: 100_000})
		},
	})
	terminal := p.run(containerOptions{args: []string{"workload", "pause"}, terminal: true})

	s := c.attach(true, nil)
	s.write("workload print stdout 500000; echo done\n")
	s.stdout.shows(t, "done\n")

	_, err := p.create(containerOptions{args: []string{"no-such-command"}, terminal: n%2 == 0})
	mustFail(t, "create of a missing command", err)
	expect(t, "bytes of an exec", len(c.exec("workload", "print", "stdout", "3000000").Stdout), 3_000_000)
	expect(t, "exit code of a missing command", c.exec("no-such-command").ExitCode, -2)
	must(t, terminal.resize(uint16(80+n), 24))
	must(t, c.reopen())

	got := stream(t, c.serveExec(false, "cat"), remotecommand.StreamOptions{
		Stdin: strings.NewReader(strings.Repeat("x", 1_000_000)),
	})
	expect(t, "bytes of a streamed exec", len(got.stdout), 1_000_000)

	s.write("exit 7\n")
	expect(t, "exit code", c.exit(), 7)
	must(t, s.end())
	c.delete()
	terminal.delete()
}
