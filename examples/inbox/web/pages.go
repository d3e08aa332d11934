package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/ticket"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*
var assetFiles embed.FS

// pages are the parsed templates by name, each with the layout around it.
type pages map[string]*template.Template

// base is what the layout needs.
type base struct {
	Site *site
	Who  Identity
	// Here is the entry of the navigation that the page belongs to.
	Here string
	// Cursor is where the event log stood when the page was made.
	Cursor string
	// Watch is the ticket whose events concern the page; zero is all.
	Watch ticket.ID
}

// Title, Links and Profile are for the layout.
func (b base) Title() string   { return b.Site.opts.Title }
func (b base) Links() []Link   { return b.Site.opts.Links }
func (b base) Known() bool     { return b.Who.Agent != "" }
func (b base) Watches() string { return idOrNone(b.Watch) }

func idOrNone(id ticket.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// parse reads the embedded templates. They are part of the program, so that
// one that does not parse is a programming error.
func parse(s *site) pages {
	funcs := template.FuncMap{
		"url": func(p ...any) string { return s.url(fmt.Sprint(p...)) },
		"day": day, "when": when, "iso": iso, "size": size, "people": people, "initial": initial,
		"views":    func() []string { return []string{"open", "pending", "closed", "all"} },
		"statuses": func() []string { return []string{"open", "pending", "closed"} },
		"after":    func() []string { return []string{"pending", "open", "closed"} },
	}
	out := pages{}
	for _, name := range []string{"list", "ticket", "new", "quarantine", "mailboxes", "problem"} {
		out[name] = template.Must(template.New("").Funcs(funcs).ParseFS(templateFiles,
			"templates/layout.html", "templates/parts.html", "templates/"+name+".html"))
	}
	return out
}

// render writes a page. It is made in memory first, so that an answer is
// whole or an error.
func (p pages) render(w http.ResponseWriter, code int, name string, data any) {
	var buf bytes.Buffer
	if err := p[name].ExecuteTemplate(&buf, "layout", data); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(buf.Bytes())
}

// assetTypes are fixed, because the tables of some systems are wrong.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// assets serves the style sheet and the script. They are the same for
// everybody, so nobody has to be signed in.
func (s *site) assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, s.prefix+"/assets/")
		b, err := fs.ReadFile(assetFiles, "assets/"+name)
		if err != nil {
			s.problem(w, http.StatusNotFound, "There is no such file.")
			return
		}
		w.Header().Set("Content-Type", assetTypes[path.Ext(name)])
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(b)
	})
}

func day(t time.Time) string {
	now := time.Now()
	t = t.Local()
	switch {
	case t.IsZero():
		return "never"
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return t.Format("15:04")
	case now.Sub(t) < 300*24*time.Hour:
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("Mon 2 Jan 2006, 15:04")
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func size(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1000_000:
		return strconv.FormatInt((n+500)/1000, 10) + " kB"
	}
	return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + " MB"
}

// person is how an address is called: by its name, or as it is.
func person(a helpdesk.Address) string {
	if name := strings.TrimSpace(plain(a.Name)); name != "" {
		return name
	}
	return plain(a.Addr)
}

func people(list []helpdesk.Address) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = plain(a.Addr)
		if a.Name != "" {
			out[i] = plain(a.Name) + " <" + plain(a.Addr) + ">"
		}
	}
	return strings.Join(out, ", ")
}

// plain leaves out what is invisible or turns the direction of the text around
// it: a name must not look like another.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

// initial is the letter of a person's picture.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(name, `"' `))
	if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsNumber(r) {
		return "?"
	}
	return string(unicode.ToUpper(r))
}
