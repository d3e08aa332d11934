package postfix

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// The steps of sending at which a worker is killed, in their order. Those with
// a state of the delivery are around its commit.
const (
	wireBefore   = "wire.before"   // the transaction that announces has not committed
	wireAfter    = "wire.after"    // it has; nothing was sent yet
	atConnect    = "connect"       // the SMTP connection has just been made
	atMail       = "mail"          // MAIL has been written
	atRcpt       = "rcpt"          // RCPT has been written
	atData       = "data"          // DATA has been written
	atBody       = "body"          // a part of the mail has been written
	beforeDot    = "dot.before"    // all of it, except the final dot
	afterDot     = "dot.after"     // the final dot too; no answer yet
	atAnswer     = "answer"        // Postfix has answered; the worker has not read it
	afterAnswer  = "answer.after"  // the worker has been given the answer
	sentBefore   = "sent.before"   // the transaction that records it has not committed
	sentAfter    = "sent.after"    // it has; no copy is in the folder of sent mail
	appendBefore = "append.before" // APPEND is about to reach Dovecot
	appendAfter  = "append.after"  // Dovecot has the copy; the worker has not heard it
)

func allSteps() []string {
	return []string{
		wireBefore, wireAfter, atConnect, atMail, atRcpt, atData, atBody, beforeDot, afterDot,
		atAnswer, afterAnswer, sentBefore, sentAfter, appendBefore, appendAfter,
	}
}

// plan is everything about one kill that is chosen, all of it by the seed. What
// the scheduler makes of it is not repeatable.
type plan struct {
	seed int64
	step string
	// reach: what the worker wrote last reaches the server although the worker
	// is dead. Without it the packet was lost with the machine.
	reach bool
	// linger: the proxy hears the answer out before it closes the connection.
	linger bool
	// share is how much of the mail has passed when the step is atBody.
	share   float64
	box     int
	replies []replyPlan
}

type replyPlan struct {
	ticket int // of the box
	size   int // of the text, in bytes
}

func planOf(seed int64, boxes, tickets int) plan {
	r := rand.New(rand.NewPCG(uint64(seed), 0x706f737466697800))
	steps := allSteps()
	n := int64(len(steps))
	p := plan{
		seed: seed, step: steps[(seed%n+n)%n], reach: r.IntN(2) == 0, linger: r.IntN(2) == 0,
		share: 0.1 + 0.8*r.Float64(), box: int(seed % int64(boxes)),
	}
	for _, t := range r.Perm(tickets)[:1+r.IntN(3)] {
		size := 200 + r.IntN(2000)
		if p.step == atBody || r.IntN(4) == 0 {
			size = 20_000 + r.IntN(100_000)
		}
		p.replies = append(p.replies, replyPlan{ticket: t, size: size})
	}
	return p
}

// inWorker reports whether the worker kills itself at the step.
func inWorker(step string) bool {
	return slices.Contains([]string{wireBefore, wireAfter, sentBefore, sentAfter}, step)
}

// again is the line that repeats a kill.
func again(seed int64) string {
	return fmt.Sprintf("go test ./internal/crashtest/postfix -run TestKillsAtEachStep -seed=%d", seed)
}
