using System.Text;
using System.Text.Json;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class ComparisonTests
{
    private static readonly string[] Nasty = ["|", "\n", "\r\n", "<script>", "`", "\\|", "\\", "\u2028", "![x](http://x)", "| --- |"];
    private readonly TestStore _store = new();

    [Fact]
    public async Task Two_versions_differ_in_what_was_changed_and_in_nothing_else()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest one = await workspace.ManifestAsync() with
        {
            Parameters = new Dictionary<string, string> { ["leaves"] = "31", ["rate"] = "0.1" },
            Dataset = new DatasetInfo("trips.csv", Digest.Of([1]), 100, 2) { From = "2020-01-01", To = "2021-01-01", TrainingRows = 80, TestRows = 20 },
            Environment = new EnvironmentInfo(".NET 10.0.1", "Linux", "X64", 8, new Dictionary<string, string> { ["Microsoft.ML"] = "5.0.0", ["Same"] = "1" }, 7) { GitCommit = "abc" },
            Gates = [new GateResult("beats-baseline", true, "0.76 against 0.5", new Dictionary<string, double>())],
            Datasets = [new DatasetReference("holdout", Digest.Of([7]), "test")],
        };
        using MemoryStream bytes = new("other"u8.ToArray());
        ArtifactInfo file = await workspace.Artifacts.WriteAsync(bytes);
        ModelManifest two = one with
        {
            Parameters = new Dictionary<string, string> { ["leaves"] = "63", ["rate"] = "0.1", ["bins"] = "255" },
            Dataset = one.Dataset! with { Fingerprint = Digest.Of([2]), Rows = 150, To = "2022-01-01" },
            Environment = one.Environment! with { Packages = new Dictionary<string, string> { ["Microsoft.ML"] = "5.0.1", ["Same"] = "1" }, GitCommit = "def" },
            Gates = [new GateResult("beats-baseline", false, "0.4 against 0.5", new Dictionary<string, double>())],
            Files = [new ModelFile("model.zip", file.Digest, file.Length)],
            Metrics = new Dictionary<string, MetricValue> { ["auc"] = new(0.80, 0.79, 0.81), ["f1"] = new(0.5) },
            Datasets = [new DatasetReference("holdout", Digest.Of([8]), "test")],
        };
        await workspace.Registry.RegisterAsync(one, "why");
        await workspace.Registry.RegisterAsync(two, "why");
        VersionComparison comparison = await workspace.Registry.CompareAsync("taxi-fare", 1, 2);
        Assert.Empty(comparison.Schema);
        Assert.False(comparison.Breaking);
        Assert.Equal([("leaves", "31", "63"), ("bins", null, "255")], comparison.Parameters.Select(c => (c.Name, c.From, c.To)));
        Assert.Equal(["fingerprint", "rows", "to", "test: holdout"], comparison.Data.Select(c => c.Name));
        Assert.Equal([("git commit", "abc", "def"), ("package Microsoft.ML", "5.0.0", "5.0.1")], comparison.Environment.Select(c => (c.Name, c.From, c.To)));
        Assert.Equal(new ValueChange("beats-baseline", "passed: 0.76 against 0.5", "failed: 0.4 against 0.5"), Assert.Single(comparison.Gates));
        Assert.Equal("model.zip", Assert.Single(comparison.Files).Name);
        Assert.Equal(["auc", "f1"], comparison.Metrics.Select(m => m.Name));
        Assert.Equal((0.04, false), (Math.Round(comparison.Metrics[0].Delta!.Value, 10), comparison.Metrics[0].IntervalsOverlap));
        Assert.Equal((null, null, null), (comparison.Metrics[1].From, comparison.Metrics[1].Delta, comparison.Metrics[1].IntervalsOverlap));
        Assert.Contains("taxi-fare v1 does not say", comparison.ImportanceMissing!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_does_not_differ_from_itself()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        VersionComparison same = await workspace.Registry.CompareAsync("taxi-fare", 1, 1);
        Assert.Empty(same.Schema);
        Assert.Empty(same.Parameters);
        Assert.Empty(same.Data);
        Assert.Empty(same.Environment);
        Assert.Empty(same.Files);
        Assert.Equal((0.0, true), (same.Metrics[0].Delta, same.Metrics[0].IntervalsOverlap));
    }

    [Fact]
    public async Task Importance_comes_from_the_file_or_the_metrics_with_rank_and_greatest_change_first()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        await workspace.Registry.RegisterAsync(manifest with { Files = [.. manifest.Files, await FileAsync(workspace, """{"format":1,"method":"permutation","inputs":{"a":0.5,"b":0.3,"c":0.1},"later":[1]}""")] }, "why");
        await workspace.Registry.RegisterAsync(manifest with { Metrics = new Dictionary<string, MetricValue> { ["importance.a"] = new(0.1), ["importance.b"] = new(0.35), ["importance.d"] = new(0.2), ["auc"] = new(1) } }, "why");
        VersionComparison comparison = await workspace.Registry.CompareAsync("taxi-fare", 1, 2);
        Assert.Null(comparison.ImportanceMissing);
        Assert.Equal(
            [new ImportanceChange("a", 0.5, 0.1, 1, 3), new ImportanceChange("d", null, 0.2, null, 2), new ImportanceChange("c", 0.1, null, 3, null), new ImportanceChange("b", 0.3, 0.35, 2, 1)],
            comparison.Importance);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"format":2,"inputs":{"a":1}}""")]
    [InlineData("""{"format":1}""")]
    [InlineData("""{"format":1,"inputs":{}}""")]
    [InlineData("""{"format":1,"inputs":{"a":"x"}}""")]
    [InlineData("""{"format":1,"inputs":{"a":1e999}}""")]
    [InlineData("""{"format":1,"inputs":{"a":null}}""")]
    public async Task An_importance_file_of_another_form_is_named_and_the_rest_is_compared(string content)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        await workspace.Registry.RegisterAsync(manifest with { Files = [.. manifest.Files, await FileAsync(workspace, content)] }, "why");
        VersionComparison comparison = await workspace.Registry.CompareAsync("taxi-fare", 1, 1);
        Assert.Contains("importance.json", comparison.ImportanceMissing!, StringComparison.Ordinal);
        Assert.NotEmpty(comparison.Metrics);
    }

    [Fact]
    public async Task A_version_that_is_not_there_is_named()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        foreach ((string model, int from, int to) in ((string, int, int)[])[("taxi-fare", 1, 2), ("taxi-fare", 0, 1), ("none", 1, 1), ("../x", -1, int.MaxValue)])
        {
            Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.CompareAsync(model, from, to))).Code);
        }
    }

    [Fact]
    public async Task The_markdown_says_first_what_breaks_and_the_json_says_it_to_programs()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        await workspace.Registry.RegisterAsync(manifest, "why");
        await workspace.Registry.RegisterAsync(manifest with { Schema = manifest.Schema with { Inputs = [.. manifest.Schema.Inputs, new ModelInput("Tip", InputKind.Number, "Tip")] } }, "why");
        VersionComparison comparison = await workspace.Registry.CompareAsync("taxi-fare", 1, 2);
        Assert.True(comparison.Breaking);
        Assert.StartsWith("# taxi-fare: version 1 to 2\n\n**Callers break:**\n\n- Input 'Tip' is new: callers have to send column 'Tip'.\n\n## Schema\n\n", comparison.ToMarkdown(), StringComparison.Ordinal);
        Assert.Contains("| auc | 0.76 (0.74 to 0.78) | 0.76 (0.74 to 0.78) | 0 | overlap |", comparison.ToMarkdown(), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(comparison.ToJson());
        Assert.True(json.RootElement.GetProperty("breaking").GetBoolean());
        Assert.Equal("InputAdded", json.RootElement.GetProperty("schema")[0].GetProperty("kind").GetString());
        Assert.Contains("Callers do not break.", (await workspace.Registry.CompareAsync("taxi-fare", 2, 1)).ToMarkdown(), StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_from_outside_leaves_its_cell_or_becomes_html() => Gen.Select(Gen.String, Gen.String, Gen.Int[0, Nasty.Length - 1]).Sample((a, b, nasty) =>
    {
        string c = Nasty[nasty];
        VersionComparison comparison = new("m", 1, 2)
        {
            Parameters = [new ValueChange(a + c, b + c + a, c), new ValueChange("plain", "1", "2")],
            Schema = [new SchemaChange(SchemaChangeKind.InputAdded, c + a, null, b, true, b + c)],
        };
        string[] lines = comparison.ToMarkdown().Split('\n');
        Assert.Equal(19, lines.Length);
        Assert.All(lines.Where(l => l.StartsWith('|')), l => Assert.Contains(Pipes(l), (int[])[4, 6]));
        Assert.DoesNotContain('<', comparison.ToMarkdown());
    });

    private static int Pipes(string line)
    {
        int pipes = 0;
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\')
            {
                i++; // what is escaped is text
            }
            else if (line[i] == '|')
            {
                pipes++;
            }
        }

        return pipes;
    }

    private static async Task<ModelFile> FileAsync(TestWorkspace workspace, string content)
    {
        using MemoryStream bytes = new(Encoding.UTF8.GetBytes(content));
        ArtifactInfo file = await workspace.Artifacts.WriteAsync(bytes);
        return new ModelFile(ModelFileNames.Importance, file.Digest, file.Length);
    }
}
