package planted

// bug is a mistake that the harness must find.
type bug struct {
	name  string
	edits []edit
	// prepare is SQL for each story's database.
	prepare string
	// first is the seed with which an ordinary test begins, where the ones
	// before do not lead to the bug; 0 means 1. A soak begins with 1.
	first int64
	// signs are the violations that it must cause, any of them.
	signs []sign
}

// edit replaces a text that stands once in a file, named from the module's
// root.
type edit struct{ file, was, is string }

// sign is a kind of violation: an invariant, and a part of its detail.
type sign struct{ invariant, detail string }

// bugs are those of the issue, in its order.
func bugs() []bug {
	return []bug{
		{
			name: "cursor before store",
			edits: []edit{{
				"sync.go",
				"\treturn in.commit(ctx, batch, tail{cursor: &move})\n",
				"\tif err := in.commit(ctx, nil, tail{cursor: &move}); err != nil {\n\t\treturn err\n\t}\n" +
					"\treturn in.commit(ctx, batch, tail{})\n",
			}},
			signs: []sign{{"6", "is not stored"}, {"1", "is lost"}},
		},
		{
			// What was taken in is also looked for at the commit, which would hide
			// that the index is not there.
			name:    "no unique index",
			edits:   []edit{{"store/postgres/apply.go", "\tp.guard(c)\n", "\tc.Premises = nil\n\tp.guard(c)\n"}},
			prepare: "ALTER TABLE helpdesk.seen DROP CONSTRAINT seen_pkey",
			signs:   []sign{{"1", "is 2 messages"}},
		},
		{
			name: "retry on 504",
			edits: []edit{{
				"send.go",
				"\tcase mailbox.Unsent(err):\n",
				"\tcase mailbox.Unsent(err), mailbox.KindOf(err) == mailbox.Transient:\n",
			}},
			signs: []sign{{"2", "was sent 2 times"}, {"2", "was sent 3 times"}},
		},
		{
			name:  "reaper without fencing",
			first: 3, // the first with a worker that is superseded on purpose
			edits: []edit{{
				"store/postgres/apply.go",
				"AND id = $2 AND token = $3 FOR UPDATE`",
				"AND id = $2 AND $3::bigint > 0 FOR UPDATE`",
			}},
			signs: []sign{{"L", "had been given before it began"}},
		},
		{
			name: "dedup by Message-ID alone",
			edits: []edit{{
				"arrival.go",
				"\ta.ev = evidence(a.mail, a.item, h)\n",
				"\tif id := a.mail.MessageID; id != \"\" {\n\t\ta.seen.Content = h.Fingerprint(privacy.DomainContent, id)\n\t}\n" +
					"\ta.ev = evidence(a.mail, a.item, h)\n",
			}},
			signs: []sign{{"1", "is lost"}},
		},
		{
			name:  "acknowledge before COMMIT's reply",
			first: 6, // the first whose connection is cut before COMMIT on purpose
			edits: []edit{{
				"store/postgres/store.go",
				"\t\treturn &Error{Op: \"commit\", kind: store.ErrUnavailable, cause: ctx.Err()}, false\n",
				"\t\treturn nil, false\n",
			}},
			signs: []sign{{"3", "was acknowledged and is not there"}, {"3", "was committed and is forgotten"}},
		},
		{
			// The clock of every second worker is three seconds ahead.
			name: "lease by local clock",
			edits: []edit{
				{"store/postgres/tasks.go", "\t\"slices\"\n", "\t\"os\"\n\t\"slices\"\n"},
				{
					"store/postgres/tasks.go",
					"\targs := []any{max(q.Limit, 0), q.For.Seconds()}\n",
					"\tnumber, _ := strconv.Atoi(os.Getenv(\"HELPDESK_WORKER\"))\n" +
						"\tlocal := time.Now().Add(time.Duration(number%2) * 3 * time.Second)\n" +
						"\targs := []any{max(q.Limit, 0), q.For.Seconds(), local}\n",
				},
				{
					"store/postgres/tasks.go",
					"(t.until IS NULL OR t.until <= now())` + where + `\n",
					"(t.until IS NULL OR t.until <= $3::timestamptz)` + where + `\n",
				},
				{
					"store/postgres/tasks.go",
					"until = clock_timestamp() + make_interval(secs => $2)",
					"until = $3::timestamptz + make_interval(secs => $2)",
				},
			},
			signs: []sign{{"L", "was given"}},
		},
		{
			name: "second threading path",
			edits: []edit{
				{"arrival.go", "\t\tif answersBySubject(in) {\n", "\t\tif true {\n"},
				{"related.go", "base+\"\\x00\"+inDNS(addr)", "base"},
				{
					"decide.go",
					"\td := p.board.Match(a.ev, p.rules, at)\n",
					"\td := p.board.Match(a.ev, p.rules, at)\n" +
						"\tfor _, c := range p.cands {\n" +
						"\t\tif d.Join.IsZero() && slices.Contains(c.Hits, ticket.Hit{Fingerprint: a.ev.Subject, Role: ticket.HitSubject}) {\n" +
						"\t\t\td.Join = c.Ticket.ID\n\t\t}\n\t}\n",
				},
			},
			signs: []sign{{"1", "is on the ticket of conversation"}, {"1", "is not on the ticket of its conversation"}},
		},
		{
			name: "notification trusted without polling",
			edits: []edit{{
				"sync.go", "\tagain := d.cfg.PollEvery\n", "\tagain := 24 * time.Hour\n",
			}},
			signs: []sign{{"9", "is not stored"}},
		},
		{
			name: "log of PgError.Detail",
			edits: []edit{
				{"store/postgres/open.go", "\t\"fmt\"\n", "\t\"fmt\"\n\t\"log/slog\"\n"},
				{
					"store/postgres/open.go",
					"\tif o.configure != nil {\n",
					"\tusual := config.ConnConfig.OnPgError\n" +
						"\tconfig.ConnConfig.OnPgError = func(c *pgconn.PgConn, e *pgconn.PgError) bool {\n" +
						"\t\tslog.Error(\"postgres\", \"code\", e.Code, \"detail\", e.Detail)\n\t\treturn usual(c, e)\n\t}\n" +
						"\tif o.configure != nil {\n",
				},
			},
			signs: []sign{{"P", "an id of the provider"}},
		},
	}
}
