package conformance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
	"go.podman.io/storage/pkg/idtools"
)

// allNamespaces is the order in which they are answered, with the names of their files.
var allNamespaces = []struct {
	kind client.Namespace
	name string
}{
	{client.NamespaceIPC, "ipc"}, {client.NamespacePID, "pid"}, {client.NamespaceNet, "net"},
	{client.NamespaceUser, "user"}, {client.NamespaceUTS, "uts"},
}

// expectNamespaces looks at what createNamespaces answered: which are the host's, where they are, what they are.
func (p *pod) expectNamespaces(response *client.CreateNamespacesResponse, base, podID string, own ...client.Namespace) {
	p.t.Helper()
	expect(p.t, "number of namespaces", len(response.Namespaces), len(allNamespaces))

	for n, wanted := range allNamespaces {
		found := response.Namespaces[n]
		expect(p.t, "namespace", found.Type, wanted.kind)
		expect(p.t, "path", found.Path, filepath.Join(base, wanted.name+"ns", podID))

		info, err := os.Lstat(found.Path)
		must(p.t, err)
		expect(p.t, "mode of "+found.Path, info.Mode(), fs.FileMode(0o444))
		expect(p.t, "size of "+found.Path, info.Size(), 0)

		shared := sameFile(p.t, found.Path, "/proc/self/ns/"+wanted.name)
		expect(p.t, wanted.name+" is the host's", shared, !contains(own, wanted.kind))
	}
}

func contains(all []client.Namespace, wanted client.Namespace) bool {
	for _, one := range all {
		if one == wanted {
			return true
		}
	}

	return false
}

func sameFile(t *testing.T, one, other string) bool {
	t.Helper()

	a, err := os.Stat(one)
	must(t, err)

	b, err := os.Stat(other)
	must(t, err)

	return os.SameFile(a, b)
}

// expectGone fails when files or mounts of a pod are left below the base.
func expectGone(t *testing.T, base, podID string) {
	t.Helper()

	for _, wanted := range allNamespaces {
		if path := filepath.Join(base, wanted.name+"ns", podID); exists(path) {
			t.Errorf("%s is left", path)
		}
	}

	if strings.Contains(readOr("/proc/self/mountinfo"), "ns/"+podID) {
		t.Error("a namespace is still mounted")
	}

	if path := filepath.Join(base, "conmonrs", podID+".pid"); exists(path) {
		t.Errorf("%s is left", path)
	}
}

// podID is one that no other pod of this machine has.
func (p *pod) podID() string { return filepath.Base(p.Folder) }

var mostNamespaces = []client.Namespace{
	client.NamespaceIPC, client.NamespaceNet, client.NamespacePID, client.NamespaceUTS,
}

func TestNamespacesOfAPod(t *testing.T) {
	p := newPod(t)
	base := p.path("ns")
	response, err := p.CreateNamespaces(bounded(t), &client.CreateNamespacesConfig{
		Namespaces: mostNamespaces, BasePath: base, PodID: p.podID(),
	})
	must(t, err)
	p.expectNamespaces(response, base, p.podID(), mostNamespaces...)

	must(t, p.Shutdown())
	expectGone(t, base, p.podID())
}

func TestNamespacesAtTheDefaultPlace(t *testing.T) {
	p := newPod(t)
	response, err := p.CreateNamespaces(bounded(t), &client.CreateNamespacesConfig{
		Namespaces: mostNamespaces, PodID: p.podID(),
	})
	must(t, err)
	p.expectNamespaces(response, "/var/run", p.podID(), mostNamespaces...)

	must(t, p.Shutdown())
	expectGone(t, "/var/run", p.podID())
}

func TestNamespacesOfTheHostAlone(t *testing.T) {
	p := newPod(t)
	base := p.path("ns")
	response, err := p.CreateNamespaces(bounded(t), &client.CreateNamespacesConfig{BasePath: base, PodID: p.podID()})
	must(t, err)
	p.expectNamespaces(response, base, p.podID())

	must(t, p.Shutdown())
	expectGone(t, base, p.podID())
}

func TestNamespacesWithAUserNamespace(t *testing.T) {
	p := newPod(t)
	base := p.path("ns")
	ids := []idtools.IDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: 1, HostID: 100_000, Size: 1000}}
	all := append([]client.Namespace{client.NamespaceUser}, mostNamespaces...)
	response, err := p.CreateNamespaces(bounded(t), &client.CreateNamespacesConfig{
		Namespaces: all, IDMappings: idtools.NewIDMappingsFromMaps(ids, ids), BasePath: base, PodID: p.podID(),
	})
	must(t, err)
	p.expectNamespaces(response, base, p.podID(), all...)

	must(t, p.Shutdown())
	expectGone(t, base, p.podID())
}

func TestNamespacesWithAUserNamespaceWantMappings(t *testing.T) {
	// The client refuses it itself; that the server does is a test without the client.
	p := newPod(t)
	_, err := p.CreateNamespaces(bounded(t), &client.CreateNamespacesConfig{
		Namespaces: []client.Namespace{client.NamespaceUser}, PodID: p.podID(), BasePath: p.path("ns"),
	})

	if !errors.Is(err, client.ErrMissingIDMappings) {
		t.Errorf("%v", err)
	}
}

func TestNamespacesWantAPodID(t *testing.T) {
	p := newPod(t)
	_, err := p.CreateNamespaces(bounded(t), &client.CreateNamespacesConfig{BasePath: p.path("ns")})
	mustFail(t, "namespaces without a pod id", err)
}

func TestNamespacesAskedForAgainAreTheSame(t *testing.T) {
	p := newPod(t)
	config := &client.CreateNamespacesConfig{Namespaces: mostNamespaces, BasePath: p.path("ns"), PodID: p.podID()}

	_, err := p.CreateNamespaces(bounded(t), config)
	must(t, err)

	before, err := os.Stat(p.path("ns/netns/" + p.podID()))
	must(t, err)

	response, err := p.CreateNamespaces(context.Background(), config)
	must(t, err)
	p.expectNamespaces(response, p.path("ns"), p.podID(), mostNamespaces...)

	after, err := os.Stat(p.path("ns/netns/" + p.podID()))
	must(t, err)

	if !os.SameFile(before, after) {
		t.Error("the namespaces are others than before")
	}

	must(t, p.Shutdown())
	expectGone(t, p.path("ns"), p.podID())
}

func TestNamespacesHoldAContainer(t *testing.T) {
	p := newPod(t)
	base := p.path("ns")
	_, err := p.CreateNamespaces(bounded(t), &client.CreateNamespacesConfig{
		Namespaces: mostNamespaces, BasePath: base, PodID: p.podID(),
	})
	must(t, err)

	join := func(config map[string]any) {
		spaces := []map[string]any{{"type": "mount"}}
		for kind, name := range map[string]string{"ipc": "ipc", "network": "net", "pid": "pid", "uts": "uts"} {
			spaces = append(spaces, map[string]any{"type": kind, "path": filepath.Join(base, name+"ns", p.podID())})
		}

		config["linux"].(map[string]any)["namespaces"] = spaces
		delete(config, "hostname")
	}
	first := p.run(containerOptions{args: []string{"workload", "pause"}, change: join})
	second := p.run(containerOptions{args: []string{"workload", "pause"}, change: join})

	for _, name := range []string{"ipc", "net", "pid", "uts"} {
		for _, c := range []*container{first, second} {
			if !sameFile(t, fmt.Sprintf("/proc/%d/ns/%s", c.pid, name), filepath.Join(base, name+"ns", p.podID())) {
				t.Errorf("%s is in another %s namespace", c.id, name)
			}
		}
	}

	expect(t, "exit code of an exec", first.exec("workload", "exit", "3").ExitCode, 3)
	first.delete()
	expect(t, "second alive", alive(second.pid), true)
	second.delete()
	must(t, p.Shutdown())
	expectGone(t, base, p.podID())
}
