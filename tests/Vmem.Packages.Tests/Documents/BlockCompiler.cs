using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Vmem.Packages.Tests.Feed;

namespace Vmem.Packages.Tests.Documents;

/// <summary>
/// Compiles and runs blocks of C# as programs of an app that takes all packages from the feed. The app is built once, by the SDK; each
/// block is then compiled with the same references and the same implicit usings, and started as a program of its own beside the app's
/// files. Rejected: a project for each block, which takes seconds apiece to restore and build.
/// </summary>
public sealed class BlockCompiler
{
    private readonly string _output;
    private readonly MetadataReference[] _references;
    private readonly string _usings;
    private int _count;

    public BlockCompiler(PackageFeed feed)
    {
        ConsoleApp app = new ConsoleApp(feed, "documents").With("Vmem").With("Vmem.Memory").With("Vmem.Leasing").With("Vmem.Extensions.ObjectPool").With("Vmem.Net")
            .WithProgram("Console.WriteLine();");
        string references = DotNet.Run(app.Folder, "build", "--nologo", "-t:Build;WriteReferences", "-p:CustomAfterMicrosoftCommonTargets=" + ReferenceTarget(app.Folder))
            .Succeeded().WithoutWarnings() is not null ? Path.Combine(app.Folder, "references.txt") : "";
        _references = [.. File.ReadAllLines(references).Select(path => MetadataReference.CreateFromFile(path))];
        _usings = File.ReadAllText(Directory.GetFiles(app.Folder, "App.GlobalUsings.g.cs", SearchOption.AllDirectories).Single());
        _output = Path.GetDirectoryName(Directory.GetFiles(Path.Combine(app.Folder, "bin"), "App.dll", SearchOption.AllDirectories).Single())!;
    }

    internal CommandResult Run(CodeBlock block)
    {
        string name = $"Block{Interlocked.Increment(ref _count)}";
        string program = Path.Combine(_output, name + ".dll");
        CSharpCompilation compilation = CSharpCompilation.Create(
            name,
            [Parse(block.Text, block.ToString()), Parse(_usings, "usings")],
            _references,
            new CSharpCompilationOptions(
                OutputKind.ConsoleApplication,
                nullableContextOptions: NullableContextOptions.Enable,
                allowUnsafe: block.AllowsUnsafe));
        using (FileStream stream = File.Create(program))
        {
            var result = compilation.Emit(stream);
            Diagnostic[] faults = [.. result.Diagnostics.Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning)];
            Assert.True(faults.Length == 0, $"{block} does not compile as it stands:\n{string.Join('\n', faults.Select(fault => fault.ToString()))}");
        }

        File.Copy(Path.Combine(_output, "App.runtimeconfig.json"), Path.Combine(_output, name + ".runtimeconfig.json"));
        return DotNet.Run(_output, "exec", "--depsfile", Path.Combine(_output, "App.deps.json"), program);
    }

    private static SyntaxTree Parse(string text, string path) =>
        CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.CSharp14), path, System.Text.Encoding.UTF8);

    private static string ReferenceTarget(string folder)
    {
        string file = Path.Combine(folder, "references.targets");
        File.WriteAllText(file, """
            <Project>
              <Target Name="WriteReferences" DependsOnTargets="ResolveReferences">
                <WriteLinesToFile File="references.txt" Lines="@(ReferencePathWithRefAssemblies)" />
              </Target>
            </Project>
            """);
        return file;
    }
}
