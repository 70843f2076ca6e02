namespace Vmem.Architecture.Tests;

/// <summary>The folders of a project use each other as the plan allows, and not in a circle.</summary>
public class FolderTests
{
    [Theory]
    [MemberData(nameof(Projects.Planned), MemberType = typeof(Projects))]
    public void The_plan_names_each_folder_and_has_no_circle(string project)
    {
        Plan plan = Plan.Of(project);
        Assert.Empty(Circles.Of(plan.Arrows));
        Assert.Empty(plan.Arrows.Select(arrow => arrow.To).Except(plan.Folders));
        Assert.Empty(Projects.Of(project).FolderOfTypes().Values.Where(folder => folder.Length > 0).Select(plan.NameOf)
            .Except(plan.Folders));
    }

    [Theory]
    [MemberData(nameof(Projects.Planned), MemberType = typeof(Projects))]
    public void Each_arrow_between_folders_is_in_the_plan(string project) => None.Of(Forbidden(project, Plan.Of(project)));

    [Theory]
    [MemberData(nameof(Projects.Planned), MemberType = typeof(Projects))]
    public void No_folders_form_a_circle(string project) =>
        Assert.Empty(Circles.Of(FolderArrow.Of(Projects.Of(project), Plan.Of(project)).Select(arrow => (arrow.From, arrow.To)).Distinct()));

    /// <summary>The rules can fail: with a line of the plan turned round, each arrow that follows it is found.</summary>
    [Fact]
    public void An_arrow_against_the_plan_is_found()
    {
        var plan = new Plan("Vmem.Tool", """
            Files     ->
            Leases    -> Files
            Traces    -> Replay, Files
            Blocks    ->
            Replay    -> Blocks
            Reports   -> Replay, Traces
            Processes -> Reports
            Commands  -> Processes, Leases
            """);
        IReadOnlyList<FolderArrow> found = Forbidden("Vmem.Tool", plan);
        Assert.All(found, arrow => Assert.Equal(("Replay", "Traces"), (arrow.From, arrow.To)));
        Assert.Contains(found, arrow => arrow.ToString() == "Replay -> Traces: Vmem.Tool.Replay.EventSource uses Vmem.Tool.Traces.TraceReader");
    }

    private static IReadOnlyList<FolderArrow> Forbidden(string project, Plan plan) =>
        [.. FolderArrow.Of(Projects.Of(project), plan).Where(arrow => !plan.Allows(arrow.From, arrow.To))];
}
