package auth

import "slices"

// publicMail are organisational domains at which anybody can have an address,
// sorted. Most of the world's private mail is at these; a domain that is
// missing makes strangers look like colleagues, so additions are welcome.
var publicMail = []string{
	"126.com", "139.com", "163.com", "abv.bg", "alice.it", "aliyun.com", "aol.com", "arcor.de", "att.net",
	"bellsouth.net", "bigpond.com", "bk.ru", "bluewin.ch", "bol.com.br", "bredband.net", "bredband2.com", "broadpark.no",
	"bt.com", "btinternet.com", "centrum.cz", "charter.net", "comcast.net", "comhem.se", "cox.net", "daum.net",
	"duck.com", "earthlink.net", "elisanet.fi", "email.com", "email.cz", "email.it", "email.no", "fastmail.com",
	"fastmail.fm", "foxmail.com", "free.fr", "freemail.hu", "freenet.de", "frontier.com", "getmail.no", "gmail.com",
	"gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hanmail.net", "hey.com", "home.nl", "home.se",
	"hotmail.be", "hotmail.ca", "hotmail.ch", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.dk", "hotmail.es",
	"hotmail.fi", "hotmail.fr", "hotmail.it", "hotmail.nl", "hotmail.no", "hotmail.se", "hushmail.com", "icloud.com",
	"inbox.lv", "inbox.ru", "interia.pl", "jubii.dk", "juno.com", "kolumbus.fi", "kpnmail.nl", "laposte.net", "libero.it",
	"list.ru", "live.ca", "live.co.uk", "live.com", "live.de", "live.dk", "live.fi", "live.fr", "live.it", "live.nl",
	"live.no", "live.se", "luukku.com", "mac.com", "mail.bg", "mail.com", "mail.dk", "mail.ee", "mail.ru", "mailbox.org",
	"mailfence.com", "me.com", "msn.com", "naver.com", "netcom.no", "ntlworld.com", "o2.pl", "ofir.dk", "onet.eu",
	"onet.pl", "online.de", "online.no", "orange.fr", "outlook.at", "outlook.be", "outlook.com", "outlook.de",
	"outlook.dk", "outlook.es", "outlook.fr", "outlook.it", "outlook.jp", "pm.me", "posteo.de", "posteo.net", "proton.me",
	"protonmail.ch", "protonmail.com", "qq.com", "rambler.ru", "rediffmail.com", "rocketmail.com", "runbox.com",
	"saunalahti.fi", "sbcglobal.net", "seznam.cz", "sfr.fr", "shaw.ca", "simplelogin.com", "sina.com", "sky.com",
	"skynet.be", "sohu.com", "spray.se", "stofanet.dk", "suomi24.fi", "swipnet.se", "sympatico.ca", "t-online.de",
	"talktalk.net", "telenet.be", "telia.com", "terra.com.br", "tin.it", "tiscali.it", "tuta.com", "tutanota.com",
	"tutanota.de", "ukr.net", "uol.com.br", "verizon.net", "virgilio.it", "virginmedia.com", "vodafone.de", "wanadoo.fr",
	"web.de", "wp.pl", "xs4all.nl", "xtra.co.nz", "yahoo.ca", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com",
	"yahoo.com.au", "yahoo.com.br", "yahoo.de", "yahoo.dk", "yahoo.es", "yahoo.fr", "yahoo.in", "yahoo.it", "yahoo.no",
	"yahoo.se", "yandex.com", "yandex.ru", "ymail.com", "zoho.com", "zohomail.com",
}

// PublicMail reports whether anybody can have an address at an organisational
// domain, as [Organisation] returns it, so that sharing it means nothing. The
// list is not complete.
func PublicMail(domain string) bool {
	_, ok := slices.BinarySearch(publicMail, domain)
	return ok
}
