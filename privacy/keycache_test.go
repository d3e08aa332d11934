package privacy

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// However many keys are used, memory holds a bounded number of them, and each
// is of one tenant, slot and generation.
func TestKeyCache(t *testing.T) {
	var c keyCache
	now := time.Unix(1, 0)
	at := func(n int) cacheKey {
		k := cacheKey{tenant: "acme"}
		binary.BigEndian.PutUint64(k.id[:], uint64(n+1))
		return k
	}
	for n := range 3 * maxKeys {
		c.put(at(n), []byte{byte(n)}, now)
		if len(c.keys) > maxKeys {
			t.Fatalf("%d keys in memory", len(c.keys))
		}
		if got := c.get(at(n), now); len(got) != 1 || got[0] != byte(n) {
			t.Fatalf("key %d is %v", n, got)
		}
	}
	last := at(3*maxKeys - 1)
	for name, other := range map[string]cacheKey{
		"tenant":     {"other", last.id, last.gen},
		"slot":       {last.tenant, ticket.ID{9}, last.gen},
		"generation": {last.tenant, last.id, last.gen + 1},
	} {
		if got := c.get(other, now); got != nil {
			t.Errorf("another %s has the key", name)
		}
	}
	if got := c.get(last, now.Add(keyTTL)); got != nil {
		t.Error("a key is too old")
	}
	held := c.keys[last].key
	c.forget(last.tenant, []ticket.ID{last.id})
	if got := c.get(last, now); got != nil || held[0] != 0 {
		t.Error("a forgotten key is still in memory")
	}
	c.put(at(0), []byte{1}, now.Add(keyTTL))
	if len(c.keys) != 1 {
		t.Errorf("%d keys in memory a minute later", len(c.keys))
	}
}
