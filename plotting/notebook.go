package plotting

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// ErrNoNotebook is what Show and ShowTable return in a program that no GoNB cell has started.
var ErrNoNotebook = errors.New("plotting: not in a GoNB notebook; use Save to write a figure, CSV or Markdown for a table")

// Show displays the figure, and below it its Note if there is one, as the cell's output and returns when the notebook has it. Outside a GoNB notebook it does
// nothing and returns ErrNoNotebook.
//
// SVG and PNG go in one message: JupyterLab removes an SVG from a notebook it does not trust and then shows the PNG, and
// a code host shows the one it can.
func Show(f *Figure) error {
	var svg, png bytes.Buffer
	if err := f.Write(&svg, "svg"); err != nil {
		return err
	}
	if err := f.Write(&png, "png"); err != nil {
		return err
	}
	picture, err := smaller(png.Bytes())
	if err != nil {
		return err
	}
	width, height := f.Size()
	err = display(&protocol.DisplayData{
		Data: map[protocol.MIMEType]any{
			protocol.MIMEImageSVG:  svg.String(),
			protocol.MIMEImagePNG:  picture,
			protocol.MIMETextPlain: "Figure: " + f.name(),
		},
		// The PNG has two pixels for each of the screen's.
		Metadata: map[string]any{string(protocol.MIMEImagePNG): map[string]int{
			"width": int(width.Points()*4/3 + 0.5), "height": int(height.Points()*4/3 + 0.5)}},
	})
	if note := f.Note(); err == nil && note != "" {
		err = display(&protocol.DisplayData{Data: map[protocol.MIMEType]any{protocol.MIMETextPlain: note}})
	}
	return err
}

// ShowTable displays a table as the cell's output: paper against ours, at the end of a notebook. A formula between dollar
// signs is set as one. Outside a GoNB notebook it does nothing and returns ErrNoNotebook.
func ShowTable(headers []string, rows [][]string) error {
	text, err := Table{Headers: headers, Rows: rows}.Markdown()
	if err != nil {
		return err
	}
	return display(&protocol.DisplayData{Data: map[protocol.MIMEType]any{
		protocol.MIMETextMarkdown: text,
		protocol.MIMETextPlain:    text,
	}})
}

// ShowHTML displays HTML as the cell's output, and a line of text where HTML is not shown. JupyterLab takes scripts and frames out of a
// notebook that it does not trust. Outside a GoNB notebook it does nothing and returns ErrNoNotebook.
func ShowHTML(page, text string) error {
	return display(&protocol.DisplayData{Data: map[protocol.MIMEType]any{protocol.MIMETextHTML: page, protocol.MIMETextPlain: text}})
}

func display(data *protocol.DisplayData) error {
	if !gonbui.IsNotebook {
		return ErrNoNotebook
	}
	gonbui.SendData(data)
	if gonbui.Error() == nil { // on a broken pipe Sync would wait for ever
		gonbui.Sync() // else the program may end before the notebook has read it all
	}
	if err := gonbui.Error(); err != nil {
		return fmt.Errorf("plotting: the notebook did not take the output: %w", err)
	}
	return nil
}
