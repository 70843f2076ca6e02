using System.CommandLine;
using System.CommandLine.Completions;

namespace Vmem.Tool.Commands;

/// <summary><c>vmem completion SHELL</c>: a script by which a shell completes the tool's command lines, and the hidden command that the
/// script asks.</summary>
/// <remarks>System.CommandLine has a directive of its own for this. It comes with its root command, which takes the assembly's name in
/// every usage line.</remarks>
internal static class CompletionCommand
{
    private const string Asked = "complete";

    private static readonly Dictionary<string, string> s_scripts = new(StringComparer.Ordinal)
    {
        ["bash"] =
            """
            # In ~/.bashrc: source <(vmem completion bash)
            _vmem_complete() {
                local IFS=$'\n'
                COMPREPLY=( $(vmem complete --position "$COMP_POINT" "$COMP_LINE" 2>/dev/null) )
            }
            complete -o default -F _vmem_complete vmem
            """,
        ["zsh"] =
            """
            # In ~/.zshrc, after compinit: source <(vmem completion zsh)
            _vmem_complete() {
                local -a items
                items=("${(@f)$(vmem complete --position "$CURSOR" "$BUFFER" 2>/dev/null)}")
                if [[ -n "${items[1]}" ]]; then compadd -a items; else _files; fi
            }
            compdef _vmem_complete vmem
            """,
        ["fish"] =
            """
            # In ~/.config/fish/config.fish: vmem completion fish | source
            complete -c vmem -a '(vmem complete -- (commandline -cp | string collect) 2>/dev/null)'
            """,
        ["pwsh"] =
            """
            # In $PROFILE: vmem completion pwsh | Out-String | Invoke-Expression
            Register-ArgumentCompleter -Native -CommandName vmem -ScriptBlock {
                param($wordToComplete, $commandAst, $cursorPosition)
                vmem complete --position $cursorPosition "$commandAst" 2>$null | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """,
    };

    /// <summary>The command that prints a script.</summary>
    public static Command Create(ToolConsole console)
    {
        var shell = new Argument<string>("SHELL") { Description = "Which shell: bash, zsh, fish or pwsh." };
        shell.AcceptOnlyFromAmong([.. s_scripts.Keys]);
        var command = new Command("completion", "Prints a script that completes this command's options and names in a shell. Its first line says where it goes.")
        {
            shell,
        };
        command.SetAction((parsed, cancellationToken) => ToolCommand.RunAsync(
            console, () => console.Output.WriteLine(s_scripts[parsed.GetRequiredValue(shell)]), cancellationToken));
        return command;
    }

    /// <summary>The command that a script asks what may stand at the cursor.</summary>
    public static Command CreateAsked(ToolConsole console, Command root)
    {
        var line = new Argument<string>("LINE");
        var position = new Option<int?>("--position");
        var command = new Command(Asked) { line, position };
        command.Hidden = true;
        command.SetAction((parsed, cancellationToken) => ToolCommand.RunAsync(
            console, () => Complete(console, root, parsed.GetRequiredValue(line), parsed.GetValue(position)), cancellationToken));
        return command;
    }

    private static void Complete(ToolConsole console, Command root, string line, int? position)
    {
        int cursor = Math.Clamp(position ?? line.Length, 0, line.Length);
        string text = line[..cursor];
        string word = text[(text.LastIndexOfAny([' ', '\t']) + 1)..];
        foreach (CompletionItem item in root.Parse(text).GetCompletions(cursor))
        {
            string completed = item.InsertText ?? item.Label;
            if (completed.StartsWith(word, StringComparison.Ordinal))
            {
                console.Output.WriteLine(completed);
            }
        }
    }
}
