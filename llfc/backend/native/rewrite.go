package native

import "strings"

// rewrite replaces, in the text of a StableHLO program, calls of the functions that [Op] names by calls of the handlers, and drops the functions. Only
// statements of this form are recognised; whatever else there is stays as it is:
//
//	%7, %8 = "func.call"(%1, %2) { callee = @native__moments____12 } : (tensor<…>, tensor<…>) -> (tensor<…>, tensor<…>)
//
// changed tells whether there was one.
func rewrite(program string) (text string, changed bool) {
	lines := strings.SplitAfter(program, "\n")
	replaced := map[string]bool{}
	for i, line := range lines {
		if c, ok := parseCall(line); ok {
			lines[i] = c.custom()
			replaced[c.callee] = true
		}
	}
	if len(replaced) == 0 {
		return program, false
	}
	var out strings.Builder
	out.Grow(len(program))
	for i := 0; i < len(lines); i++ {
		if name, ok := functionName(lines[i]); ok && replaced[name] {
			i = functionEnd(lines, i)
			continue
		}
		out.WriteString(lines[i])
	}
	return out.String(), true
}

// call is a statement that calls a function.
type call struct {
	indent, results, operands, callee, signature string
	op                                           Op
}

// parseCall reads one line.
func parseCall(line string) (c call, ok bool) {
	body := strings.TrimLeft(line, " \t")
	c.indent = line[:len(line)-len(body)]
	if c.results, body, ok = strings.Cut(body, ` = "func.call"(`); !ok {
		return c, false
	}
	if c.operands, body, ok = strings.Cut(body, ") { callee = @"); !ok {
		return c, false
	}
	if c.callee, body, ok = strings.Cut(body, " } : "); !ok {
		return c, false
	}
	if c.signature, ok = strings.CutSuffix(body, "\n"); !ok {
		return c, false
	}
	c.op, ok = parseOp(c.callee)
	return c, ok
}

// custom is the call of the handler. Version 4 is XLA's for foreign functions whose attributes are a dictionary.
func (c call) custom() string {
	var b strings.Builder
	b.WriteString(c.indent + c.results + ` = "stablehlo.custom_call"(` + c.operands + `) { call_target_name = "layerwise_` + c.op.Target + `", api_version = 4 : i32`)
	if len(c.op.Attributes) > 0 {
		b.WriteString(", backend_config = {p = array<i64: " + join(c.op.Attributes, ", ") + ">}")
	}
	b.WriteString(" } : " + c.signature + "\n")
	return b.String()
}

// functionName is the name of the function whose definition begins in a line.
func functionName(line string) (name string, ok bool) {
	body, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "func.func @")
	if !ok {
		return "", false
	}
	name, _, ok = strings.Cut(body, "(")
	return name, ok
}

// functionEnd is the line that closes the function which begins in the line from: braces are counted, those in strings left out.
func functionEnd(lines []string, from int) int {
	depth := 0
	for i := from; i < len(lines); i++ {
		quoted, opened := false, depth > 0
		for j := 0; j < len(lines[i]); j++ {
			switch ch := lines[i][j]; {
			case quoted && ch == '\\':
				j++
			case ch == '"':
				quoted = !quoted
			case !quoted && ch == '{':
				depth, opened = depth+1, true
			case !quoted && ch == '}':
				depth--
			}
		}
		if opened && depth == 0 && strings.TrimSpace(lines[i]) == "}" {
			return i
		}
	}
	return len(lines) - 1
}
