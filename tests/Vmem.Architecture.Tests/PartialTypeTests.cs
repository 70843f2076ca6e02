namespace Vmem.Architecture.Tests;

/// <summary>A type of many files can be read file by file: at most three of them use each other in a circle.</summary>
public class PartialTypeTests
{
    private const int LargestCircle = 3;

    [Theory]
    [MemberData(nameof(Projects.All), MemberType = typeof(Projects))]
    public void No_more_than_three_files_of_a_type_form_a_circle(string project) =>
        None.Of(PartialFiles.Of(Projects.Of(project)).Where(type => type.LargestCircle.Count > LargestCircle)
            .Select(type => $"{type.Type.Name}, {type.Arrows.Count} arrows between {type.Files.Count} files, a circle of {type.LargestCircle.Count}: {string.Join(", ", type.LargestCircle)}; {string.Join(", ", type.Arrows.Where(arrow => type.LargestCircle.Contains(arrow.Item1) && type.LargestCircle.Contains(arrow.Item2)))}"));

    [Fact]
    public void A_circle_of_four_files_is_found()
    {
        PartialFiles type = Read(
            ("T.cs", "partial class T<V> { public void A() => B(); }"),
            ("T.B.cs", "partial class T<V> { private void B() => _ = C; }"),
            ("T.C.cs", "partial class T<V> { private int C => D.Make(); }"),
            ("T.D.cs", "partial class T<V> { private static class D { public static int Make() { new T<V>().A(); return 0; } } }"));
        Assert.Equal([("T.cs", "T.B.cs"), ("T.B.cs", "T.C.cs"), ("T.C.cs", "T.D.cs"), ("T.D.cs", "T.cs")], type.Arrows);
        Assert.Equal(4, type.LargestCircle.Count);
    }

    [Fact]
    public void State_of_the_main_file_makes_no_arrow()
    {
        PartialFiles type = Read(
            ("T.cs", "partial class T { private const int Most = 1; private int _a; private int P { get; set; } public void Go() => B(); }"),
            ("T.B.cs", "partial class T { private int _b; private void B() => _a = Most + P; }"));
        Assert.Equal([("T.cs", "T.B.cs")], type.Arrows);
    }

    [Fact]
    public void State_of_another_file_and_code_of_the_main_file_make_arrows()
    {
        Assert.Equal([("T.cs", "T.B.cs")], Read(("T.cs", "partial class T { public int Go() => _b; }"), ("T.B.cs", "partial class T { private int _b; }")).Arrows);
        Assert.Equal([("T.B.cs", "T.cs")], Read(("T.cs", "partial class T { private int P => 1; }"), ("T.B.cs", "partial class T { public int Go() => P; }")).Arrows);
        Assert.Equal([("T.B.cs", "T.cs")], Read(("T.cs", "partial class T { private T(int _) { } }"), ("T.B.cs", "partial class T { public static T Make() => new(1); }")).Arrows);
    }

    private static PartialFiles Read(params (string Path, string Text)[] files) =>
        Assert.Single(PartialFiles.Of(new SourceProject("Sample", files)));
}
