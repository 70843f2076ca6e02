// Leaves in an XML documentation file only the members that code outside the assembly can name:
//
//     PublicDocumentation DOCUMENTATION.xml ASSEMBLY.dll REFERENCES
//
// REFERENCES is a file with the path of a referenced assembly on each line. The compiler documents internal members, too: half of the
// file would describe what its reader can't call. Rejected: plain comments on internal members, for editors show documentation comments
// where such a member is used, and the compiler checks their references. Rejected: an inline task of the build, which is compiled
// against another framework than the compiler's own library.

using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

string documentation = args[0];
IEnumerable<MetadataReference> references = File.ReadAllLines(args[2]).Append(args[1])
    .Select(path => MetadataReference.CreateFromFile(path));
var compilation = CSharpCompilation.Create("documentation", references: references);

XDocument document = XDocument.Load(documentation, LoadOptions.PreserveWhitespace);
XElement members = document.Root?.Element("members") ?? throw new InvalidDataException($"{documentation} has no list of members.");
foreach (XElement member in members.Elements("member").ToList())
{
    string id = member.Attribute("name")?.Value ?? throw new InvalidDataException($"A member in {documentation} has no name.");
    if (DocumentationCommentId.GetFirstSymbolForDeclarationId(id, compilation) is not { } symbol || !IsVisible(symbol))
    {
        (member.PreviousNode as XText)?.Remove();
        member.Remove();
    }
}

// At once or not at all: the compiler writes the file again only when a source changes.
string whole = documentation + ".public";
document.Save(whole, SaveOptions.DisableFormatting);
File.Move(whole, documentation, overwrite: true);

static bool IsVisible(ISymbol symbol)
{
    for (ISymbol? part = symbol; part is not (null or INamespaceSymbol); part = part.ContainingSymbol)
    {
        if (part.DeclaredAccessibility is not (Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal))
        {
            return false;
        }
    }

    return true;
}
