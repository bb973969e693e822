import ClusterModel

/// The manual page, made of the same descriptions as the help, in the language of man (roff with the macros of man(7)).
enum ManualPage {
    /// - Parameter date: `YYYY-MM-DD`, for the foot of the page.
    static func alphagrid(date: String) throws(GridError) -> String {
        let root = try CommandDescription.alphagrid()
        var out = [
            ".\\\" Made by 'alphagrid manual'.",
            ".TH ALPHAGRID 1 \"\(date)\" \"AlphaGrid \(AlphaGrid.version)\" \"User Commands\"",
            ".SH NAME", "alphagrid \\- \(line(root.abstract ?? ""))", ".SH SYNOPSIS", ".B alphagrid",
            "\\fIcommand\\fR [\\fIarguments\\fR]", ".SH DESCRIPTION",
        ]
        // A heading begins a paragraph by itself.
        out += discussion(root.discussion ?? "").drop { $0 == ".PP" }
        out.append(".SH COMMANDS")
        for command in root.subcommands ?? [] { out += section(command, path: "alphagrid") }
        out += ending
        return out.joined(separator: "\n") + "\n"
    }

    private static let ending = [
        ".SH ENVIRONMENT",
        ".TP", ".B ALPHAGRID_STATE", "State folder, instead of ~/.alphagrid.",
        ".TP", ".B ALPHAGRID_URL", "Address of the coordinator.",
        ".TP", ".BR ALPHAGRID_TOKEN ,\\  ALPHAGRID_TOKEN_FILE", "Token, or the file that holds it.",
        ".TP", ".B ALPHAGRID_DATABASE", "Database, without a password.",
        ".TP", ".B ALPHAGRID_CA", "Certificate of the authority behind an https coordinator.",
        ".TP", ".B ALPHAGRID_LOG", "Least level of the coordinator's log: trace, debug, info, warning or error.",
        ".TP", ".B NO_COLOR", "No escape sequences for colours.",
        ".SH EXIT STATUS",
        ".TP", ".B 0", "Done.", ".TP", ".B 1", "Failed.", ".TP", ".B 2", "Wrong usage or input.", ".TP", ".B 3", "Not found.",
        ".TP", ".B 4", "Cannot reach the coordinator or the database.", ".TP", ".B 5", "Partly done.",
    ]

    private static func section(_ command: CommandDescription, path: String) -> [String] {
        let name = "\(path) \(command.commandName)"
        let arguments = command.arguments ?? []
        var out = [".SS \"\(line(name))\"", "\(line(command.abstract ?? ""))"]
        let subcommands = command.subcommands ?? []
        if subcommands.isEmpty || !arguments.isEmpty {
            let words = arguments.map(usage).joined(separator: " ")
            out += [".PP", ".B \(line(name))", words.isEmpty ? "" : line(words, keepsFonts: true)].filter { !$0.isEmpty }
        }
        out += discussion(command.discussion ?? "")
        for argument in arguments { out += item(argument) }
        for subcommand in subcommands { out += section(subcommand, path: name) }
        return out
    }

    /// `[--limit <limit>]`
    private static func usage(_ argument: CommandDescription.Argument) -> String {
        let repeated = argument.isRepeating ? "..." : ""
        let text = title(argument).split(separator: ", ").last.map(String.init) ?? ""
        return argument.isOptional ? "[\(text)]\(repeated)" : text + repeated
    }

    private static func title(_ argument: CommandDescription.Argument) -> String {
        let value = "<\(argument.valueName ?? "value")>"
        switch argument.kind {
        case "positional": return value
        case "flag": return (argument.names ?? []).map(\.text).joined(separator: ", ")
        default: return (argument.names ?? []).map { "\($0.text) \(value)" }.joined(separator: ", ")
        }
    }

    private static func item(_ argument: CommandDescription.Argument) -> [String] {
        var text = [argument.abstract, argument.discussion].compactMap { $0 }.joined(separator: " ")
        if let value = argument.defaultValue, !value.isEmpty, !text.contains("(default") { text += " (default: \(value))" }
        return [".TP", ".B \(line(title(argument)))", text.isEmpty ? "\\&" : line(text)]
    }

    /// Paragraphs are filled; what is indented, such as examples, stays as it is.
    private static func discussion(_ text: String) -> [String] {
        var out: [String] = []
        var isVerbatim = false
        var isNewParagraph = true
        for raw in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isIndented = raw.hasPrefix("  ")
            if isVerbatim, !isIndented, !raw.isEmpty {
                out += [".fi", ".RE"]
                isVerbatim = false
                isNewParagraph = true
            }
            if raw.isEmpty {
                if isVerbatim { out += [".fi", ".RE"] }
                isVerbatim = false
                isNewParagraph = true
                continue
            }
            if isIndented, !isVerbatim {
                out += [".PP", ".RS 4", ".nf"]
                isVerbatim = true
            } else if isNewParagraph, !isVerbatim {
                out.append(".PP")
            }
            isNewParagraph = false
            out.append(line(String(raw.drop { isIndented && $0 == " " })))
        }
        if isVerbatim { out += [".fi", ".RE"] }
        return out
    }

    /// One line of text: nothing in it is a command of roff, and hyphens can be copied as they are.
    private static func line(_ text: String, keepsFonts: Bool = false) -> String {
        var out = ""
        for character in text {
            switch character {
            case "\\" where !keepsFonts: out += "\\e"
            case "-": out += "\\-"
            case "\n": out += " "
            default: out.append(character)
            }
        }
        return out.hasPrefix(".") || out.hasPrefix("'") ? "\\&" + out : out
    }
}
