import ArgumentParser
import ClusterModel
import Foundation

struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print what makes a shell complete alphagrid's command lines.",
        discussion: """
            Examples:
              alphagrid completions bash > /etc/bash_completion.d/alphagrid
              alphagrid completions zsh > /usr/local/share/zsh/site-functions/_alphagrid
              alphagrid completions fish > ~/.config/fish/completions/alphagrid.fish
            """)

    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish

        var known: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() throws {
        let script = AlphaGridCommand.completionScript(for: shell.known)
        let whole = shell == .bash ? script.replacing("-F _alphagrid ", with: "-F __alphagrid_line ") : script
        StandardOutput.write((shell == .bash ? Self.bashLine : "") + whole + "\n")
    }

    /// What bash calls, in place of the function that the parser has written and that is called by this one.
    private static let bashLine = #"""
        # bash cuts words at = and :, which k=v and addresses have within them. They are put together before anybody looks at
        # them, and what stands before the last cut is taken off what is offered. Behind 'help' stand names of commands.
        __alphagrid_line() {
            local rest="${COMP_LINE}" before='' blanks word
            local -a words=()
            local -i index last=-1 current=0
            for index in "${!COMP_WORDS[@]}"; do
                word="${COMP_WORDS[index]}"
                blanks="${rest%%[![:space:]]*}"
                rest="${rest#"${blanks}${word}"}"
                if [[ "${last}" -ge 0 && -z "${blanks}" && ("${word}" = [=:]* || "${words[last]}" = *[=:]) ]]; then
                    [[ "${index}" -eq "${COMP_CWORD}" ]] && before="${words[last]}"
                    words[last]+="${word}"
                else
                    last+=1
                    words[last]="${word}"
                fi
                if [[ "${index}" -eq "${COMP_CWORD}" ]]; then
                    current="${last}"
                    [[ -z "${2}" && "${word}" = [=:]* ]] && before+="${word}"
                fi
            done
            local -a COMP_WORDS=("${words[@]}")
            local -i COMP_CWORD="${current}"

            COMPREPLY=()
            if [[ "${COMP_CWORD}" -gt 1 && "${COMP_WORDS[1]}" = help ]]; then
                # Each command has a function of its name.
                local functions
                functions="$(printf '%s_' _alphagrid "${COMP_WORDS[@]:2:COMP_CWORD-2}")"
                for word in $(compgen -A function -- "${functions}${2}"); do
                    word="${word#"${functions}"}"
                    [[ "${word}" = *_* || "${word}" = help ]] || COMPREPLY+=("${word}")
                done
                return
            fi
            _alphagrid "${1}" "${before}${2}" "${COMP_WORDS[COMP_CWORD - 1]}"
            COMPREPLY=("${COMPREPLY[@]#"${before}"}")
            for word in "${COMPREPLY[@]}"; do
                # Its value comes next, and no name of a file.
                if [[ "${word}" = *= ]]; then
                    compopt +o filenames -o nospace
                    break
                fi
            done
        }

        """#
}

struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Print the manual page, for man.",
        discussion: """
            Examples:
              alphagrid manual > /usr/local/share/man/man1/alphagrid.1
              alphagrid manual | man -l -
            """)

    func run() throws {
        // Whoever builds packages wants the same page from the same source, whatever day it is.
        let epoch = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"].flatMap { Double($0) }
        let date = epoch.map { Date(timeIntervalSince1970: $0) } ?? Date()
        StandardOutput.write(try ManualPage.alphagrid(date: date.formatted(Date.ISO8601FormatStyle().year().month().day())))
    }
}
