package data

import "strings"

// litter reports whether a file is the operating system's or a file manager's, or lies in a folder of theirs, and so is
// no part of a data set: train/.DS_Store, ._1.png, __MACOSX/train/1.png, Thumbs.db.
func litter(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") { // .DS_Store, ._1.png, .directory, .Spotlight-V100; and "." itself
			return true
		}
		switch strings.ToLower(part) {
		case "thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "system volume information", // Windows
			"__macosx", "icon\r", "network trash folder", "temporary items", // macOS
			"@eadir", "#recycle", "@recycle", "#snapshot", "lost+found": // network storage, Linux
			return true
		}
	}
	return false
}
