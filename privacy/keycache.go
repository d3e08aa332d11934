package privacy

import (
	"slices"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// keyTTL is how long tenant and mailbox keys stay in memory. "Unreadable
// since" is stated only after that time.
const keyTTL = 60 * time.Second

// maxKeys bounds the keys in memory, at about 200 bytes each.
const maxKeys = 10_000

// sweepKeys is how often keys that are too old are looked for.
const sweepKeys = time.Second

// keyCache keeps unwrapped keys for keyTTL. The zero value is empty. It is safe
// for concurrent use.
type keyCache struct {
	mu    sync.Mutex
	keys  map[cacheKey]cachedKey
	sweep time.Time
}

// cacheKey names one key: slots of the same id in two tenants are two, and a
// rotated slot has another key.
type cacheKey struct {
	tenant ticket.TenantID
	id     ticket.ID
	gen    int64
}

type cachedKey struct {
	key   []byte
	until time.Time
}

// get returns a copy, because put and forget clear the cached one, or nil.
func (k *keyCache) get(at cacheKey, now time.Time) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if hit, ok := k.keys[at]; ok && now.Before(hit.until) {
		return slices.Clone(hit.key)
	}
	return nil
}

// put keeps a copy. When there are too many keys, any of them goes: it is
// unwrapped again when it is asked for.
func (k *keyCache) put(at cacheKey, key []byte, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		k.keys = map[cacheKey]cachedKey{}
	}
	if !now.Before(k.sweep) || len(k.keys) >= maxKeys {
		k.drop(func(_ cacheKey, c cachedKey) bool { return !now.Before(c.until) })
		k.sweep = now.Add(sweepKeys)
	}
	if len(k.keys) >= maxKeys {
		// A tenth at once, so that the next ones need no search.
		spare := maxKeys / 10
		k.drop(func(cacheKey, cachedKey) bool { spare--; return spare >= 0 })
	}
	k.keys[at] = cachedKey{slices.Clone(key), now.Add(keyTTL)}
}

// forget drops all keys of slots.
func (k *keyCache) forget(tenant ticket.TenantID, ids []ticket.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	gone := make(map[ticket.ID]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	k.drop(func(at cacheKey, _ cachedKey) bool { return at.tenant == tenant && gone[at.id] })
}

// drop overwrites and removes keys; the caller holds the lock.
func (k *keyCache) drop(which func(cacheKey, cachedKey) bool) {
	for at, c := range k.keys {
		if which(at, c) {
			clear(c.key)
			delete(k.keys, at)
		}
	}
}
