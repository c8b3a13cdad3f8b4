using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class HostileInputTests
{
    private readonly TestStore _store = new();

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("-a")]
    [InlineData(".hidden")]
    [InlineData("..")]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("a\0")]
    [InlineData("modèle")]
    [InlineData("аdmin")] // a Cyrillic letter
    public async Task A_name_outside_the_rules_is_refused_and_shown_harmlessly(string name)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        MlopsDataException error = await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.RegisterAsync(manifest with { Model = name }, "why"));
        Assert.Equal("registry.invalid_name", error.Code);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain('\0', error.Message);
        Assert.Equal("registry.invalid_name", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.MoveAliasAsync(name, "champion", 1, "why"))).Code);
        Assert.Equal("registry.invalid_name", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.StartRunAsync(new RunStart(name, "e", "manual", "why")))).Code);
        Assert.Empty(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task A_name_may_be_128_characters_long_and_no_longer()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        Assert.Equal(1, (await workspace.RegisterAsync(new string('a', 128))).Number);
        MlopsDataException error = await Assert.ThrowsAsync<MlopsDataException>(() => workspace.RegisterAsync(new string('a', 129)));
        Assert.True(error.Message.Length < 400);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Champion")]
    [InlineData("a b")]
    [InlineData("a.b")]
    [InlineData("é")]
    public async Task An_alias_outside_the_rules_is_refused(string alias)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        Assert.Equal("registry.invalid_alias", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", alias, 1, "why"))).Code);
        Assert.Equal("registry.invalid_alias", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.RollbackAsync("taxi-fare", alias, "why"))).Code);
    }

    public static TheoryData<string, Func<ModelManifest, ModelManifest>> BadManifests => new()
    {
        { "newer format", m => m with { Format = 2 } },
        { "no file", m => m with { Files = [] } },
        { "file twice", m => m with { Files = [m.Files[0], m.Files[0]] } },
        { "file with a path", m => m with { Files = [m.Files[0] with { Name = "../model.zip" }] } },
        { "file named by dots", m => m with { Files = [m.Files[0] with { Name = ".." }] } },
        { "file without digest", m => m with { Files = [m.Files[0] with { Digest = default }] } },
        { "negative length", m => m with { Files = [m.Files[0] with { Length = -1 }] } },
        { "too many files", m => m with { Files = [.. Enumerable.Range(0, 1_001).Select(i => m.Files[0] with { Name = $"f{i}" })] } },
        { "NaN metric", m => m with { Metrics = Metric(double.NaN) } },
        { "infinite metric", m => m with { Metrics = Metric(double.PositiveInfinity) } },
        { "NaN interval", m => m with { Metrics = new Dictionary<string, MetricValue> { ["auc"] = new(1, double.NaN, 1) } } },
        { "nameless metric", m => m with { Metrics = new Dictionary<string, MetricValue> { [""] = new(1) } } },
        { "too many metrics", m => m with { Metrics = Enumerable.Range(0, 1_001).ToDictionary(i => $"m{i}", _ => new MetricValue(0)) } },
        { "no input", m => m with { Schema = m.Schema with { Inputs = [] } } },
        { "no output", m => m with { Schema = m.Schema with { Outputs = [] } } },
        { "output twice", m => m with { Schema = m.Schema with { Outputs = ["Score", "Score"] } } },
        { "input twice", m => m with { Schema = m.Schema with { Inputs = [m.Schema.Inputs[0], m.Schema.Inputs[0]] } } },
        { "unknown task", m => m with { Schema = m.Schema with { Task = (ModelTask)99 } } },
        { "NaN missing share", m => m with { Schema = m.Schema with { Inputs = [m.Schema.Inputs[0] with { MissingShare = double.NaN }] } } },
        { "infinite minimum", m => m with { Schema = m.Schema with { Inputs = [m.Schema.Inputs[0] with { Minimum = float.NegativeInfinity }] } } },
        { "NaN gate number", m => m with { Gates = [new GateResult("g", true, "m", new Dictionary<string, double> { ["n"] = double.NaN })] } },
        { "long note", m => m with { Notes = [new string('x', 4_001)] } },
        { "long parameter", m => m with { Parameters = new Dictionary<string, string> { ["p"] = new string('x', 10_000_000) } } },
        { "no algorithm", m => m with { Algorithm = "" } },
        { "parent zero", m => m with { Parent = 0 } },
        { "no fingerprint", m => m with { Dataset = new DatasetInfo("s", default, 1, 0) } },
        { "dataset without name", m => m with { Datasets = [new DatasetReference("", Digest.Of([1]), "test")] } },
        { "dataset without digest", m => m with { Datasets = [new DatasetReference("d", default, "test")] } },
        { "dataset with a strange role", m => m with { Datasets = [new DatasetReference("d", Digest.Of([1]), "../x")] } },
        { "null datasets", m => m with { Datasets = null! } },
        { "null files", m => m with { Files = null! } },
        { "null schema", m => m with { Schema = null! } },
    };

    [Theory]
    [MemberData(nameof(BadManifests))]
    public async Task A_manifest_that_breaks_a_rule_is_refused_and_nothing_is_stored(string what, Func<ModelManifest, ModelManifest> breakIt)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = breakIt(await workspace.ManifestAsync());
        MlopsDataException error = await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Registry.RegisterAsync(manifest, what));
        Assert.Equal("registry.invalid_manifest", error.Code);
        Assert.True(error.Message.Length < 400, error.Message);
        Assert.Empty(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task A_newer_entry_of_a_model_stops_that_model_with_both_formats_and_no_other()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("a");
        await workspace.RegisterAsync("b");
        await workspace.AppendAsync(LedgerKinds.AliasMoved, new AliasNote("a", "champion", null, 1, Digest.Of([])), new LedgerResource("model", "a", 1), format: 9);
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await workspace.Registry.FindAliasAsync("a", "champion"));
        Assert.Equal("registry.newer_format", error.Code);
        Assert.Contains("format 9", error.Message, StringComparison.Ordinal);
        Assert.Contains("up to 1", error.Message, StringComparison.Ordinal);
        Assert.Equal("registry.newer_format", (await Assert.ThrowsAsync<MlopsIntegrityException>(() => workspace.RegisterAsync("a", "2"))).Code);
        Assert.NotNull(await workspace.Registry.FindVersionAsync("b", 1));
    }

    [Fact]
    public async Task A_newer_entry_of_a_kind_that_is_not_the_registrys_is_ignored()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("a");
        await workspace.AppendAsync("something.else", new DeploymentNote("a", 1, "h"), new LedgerResource("model", "a"), format: 9);
        Assert.NotNull(await workspace.Registry.FindVersionAsync("a", 1));
        Assert.Equal(2, (await workspace.Registry.HistoryAsync("a")).Count);
    }

    [Fact]
    public async Task Entries_written_around_the_registry_that_break_its_rules_change_nothing()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync("a");
        Digest other = Digest.Of([1]);
        await workspace.AppendAsync(LedgerKinds.VersionRegistered, new VersionNote("a", 1, other, VersionStatus.Validated, []), new LedgerResource("model", "a", 1));
        await workspace.AppendAsync(LedgerKinds.VersionRegistered, new VersionNote("a", 7, other, VersionStatus.Validated, []), new LedgerResource("model", "a", 7));
        await workspace.AppendAsync(LedgerKinds.VersionRegistered, new VersionNote("b", 1, other, VersionStatus.Validated, []), new LedgerResource("model", "a", 2));
        await workspace.AppendAsync(LedgerKinds.AliasMoved, new AliasNote("a", "champion", null, 5, other), new LedgerResource("model", "a"));
        await workspace.AppendAsync(LedgerKinds.AliasMoved, new DeploymentNote("a", 1, "h"), new LedgerResource("model", "a"));
        await workspace.AppendAsync(LedgerKinds.RunEnded, new DeploymentNote("a", 1, "h"), new LedgerResource("run", "r"));
        Assert.Equal([version.Digest], (await workspace.Registry.ListVersionsAsync("a")).Select(v => v.Digest));
        Assert.Null(await workspace.Registry.FindAliasAsync("a", "champion"));
        Assert.Empty(await workspace.Registry.ListVersionsAsync("b"));
        Assert.Equal(2, (await workspace.RegisterAsync("a", "2")).Number);
    }

    [Theory]
    [InlineData("""{"model":"a","number":1,"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","status":99,"files":[]}""")]
    [InlineData("""{"model":"a","number":1,"digest":"sha256:0","status":"Validated","files":[]}""")]
    [InlineData("""{"model":"a","number":1,"digest":7,"status":"Validated","files":[]}""")]
    [InlineData("""{"model":"a","number":1,"digest":"","status":"Validated","files":[]}""")]
    [InlineData("""{"model":"a","number":99999999999,"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","status":"Validated","files":[]}""")]
    [InlineData("""{"model":"a","number":1,"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","status":"Validated","files":null}""")]
    [InlineData("""{"model":"a"}""")]
    [InlineData("""{}""")]
    public async Task Data_that_no_registry_wrote_makes_no_version_and_stops_nothing(string data)
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(data);
        await workspace.Ledger.AppendAsync([new LedgerDraft(LedgerKinds.VersionRegistered, new LedgerResource("model", "a", 1), "test", document.RootElement)]);
        Assert.Empty(await workspace.Registry.ListVersionsAsync("a"));
        Assert.Equal(1, (await workspace.RegisterAsync("a")).Number);
    }

    [Fact]
    public async Task A_version_without_its_optional_fields_is_taken_in()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse($$"""{"model":"a","number":1,"digest":"{{Digest.Of([1])}}","status":"Validated","files":[]}""");
        await workspace.Ledger.AppendAsync([new LedgerDraft(LedgerKinds.VersionRegistered, new LedgerResource("model", "a", 1), "test", document.RootElement)]);
        Assert.Empty(Assert.Single(await workspace.Registry.ListVersionsAsync("a")).Metrics);
    }

    [Fact]
    public async Task A_manifest_without_its_optional_fields_is_read_with_empty_ones()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync("a");
        using MemoryStream bytes = new(System.Text.Encoding.UTF8.GetBytes($$$"""
            {"format":1,"model":"a","modelFormat":"mlnet","algorithm":"x","files":[{"name":"f","digest":"{{{version.Digest}}}","length":1}],
             "schema":{"task":"Binary","inputs":[{"name":"i","kind":"Number","source":"i"}],"outputs":["Score"],"label":"l"},"later":{"unknown":1},
             "environment":{"runtime":"r","operatingSystem":"o","architecture":"a","processors":1,"packages":{},"seed":1}}
            """));
        Digest digest = (await workspace.Artifacts.WriteAsync(bytes)).Digest;
        ModelManifest manifest = await workspace.Registry.ReadManifestAsync(version with { Digest = digest });
        Assert.Empty(manifest.Parameters);
        Assert.Empty(manifest.Metrics);
        Assert.Empty(manifest.Gates);
        Assert.Empty(manifest.Notes);
        Assert.Empty(manifest.Environment!.CpuFeatures);
    }

    [Fact]
    public void No_data_of_any_shape_makes_the_view_fail()
    {
        // a view that throws would stop the ledger of the whole process
        string[] kinds = [LedgerKinds.RunStarted, LedgerKinds.RunEnded, LedgerKinds.VersionRegistered, LedgerKinds.AliasMoved, LedgerKinds.DeploymentStarted, LedgerKinds.DeploymentEnded,
            LedgerKinds.ModelDescribed, LedgerKinds.TagSet, LedgerKinds.StageMoved, LedgerKinds.VersionDeprecated, LedgerKinds.VersionDeleted, LedgerKinds.CardEdited, LedgerKinds.AlertRaised,
            LedgerKinds.AccessRequested, LedgerKinds.AccessAnswered, LedgerKinds.ModelRated, "other"];
        Dictionary<string, string> valid = new()
        {
            ["model"] = "\"a\"", ["number"] = "1", ["digest"] = $"\"{Digest.Of([1])}\"", ["status"] = "\"Validated\"", ["files"] = "[]", ["metrics"] = "{}", ["runId"] = "\"a\"", ["parent"] = "null",
            ["alias"] = "\"champion\"", ["from"] = "null", ["to"] = "1", ["version"] = "1", ["host"] = "\"h\"", ["experiment"] = "\"e\"", ["trigger"] = "\"t\"", ["reason"] = "\"r\"", ["message"] = "\"m\"", ["steps"] = "[]", ["parameters"] = "{}",
            ["description"] = "\"d\"", ["owner"] = "null", ["key"] = "\"k\"", ["value"] = "\"v\"", ["stage"] = "\"draft\"", ["successor"] = "null", ["revoked"] = "false", ["section"] = "\"s\"", ["text"] = "\"t\"",
            ["alertId"] = "\"i\"", ["check"] = "\"c\"", ["numbers"] = "{}", ["requestId"] = "\"1\"", ["granted"] = "true", ["stars"] = "4",
        };
        string?[] values = [null, "null", "0", "1", "2", "-1", "1e99", "99999999999", "true", "\"\"", "\"a\"", "\"Failed\"", "[]", "[null]", "{}", "{\"auc\":null}", "{\"auc\":{\"value\":1}}", "[{\"name\":null}]"];
        Gen<string> data = Gen.Select(Gen.Int[0, valid.Count - 1], Gen.Int[0, values.Length - 1]).Array[0, 3].Select(changes =>
        {
            Dictionary<string, string?> fields = valid.ToDictionary(v => v.Key, v => (string?)v.Value);
            foreach ((int field, int value) in changes)
            {
                fields[valid.Keys.ElementAt(field)] = values[value];
            }

            return "{" + string.Join(',', fields.Where(f => f.Value is not null).Select(f => $"\"{f.Key}\":{f.Value}")) + "}";
        });
        Gen<(string, string, string, string, int)[]> entries = Gen.Select(
            Gen.Int[0, kinds.Length - 1].Select(i => kinds[i]),
            Gen.Bool.Select(b => b ? "model" : "run"),
            Gen.Int[0, 9].Select(i => i > 0 ? "a" : "../b"),
            data,
            Gen.Int[0, 19].Select(i => i > 0 ? 1 : 2)).Array[1, 10];
        entries.Sample(
            all =>
            {
                RegistryState state = new();
                CatalogState catalog = new();
                ChangeLog log = new("a");
                long number = 0;
                foreach ((string kind, string resource, string name, string json, int format) in all)
                {
                    using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(json);
                    LedgerEntry entry = new()
                    {
                        Number = number,
                        Commit = number++,
                        Id = $"{number}",
                        Kind = kind,
                        Format = format,
                        Resource = new LedgerResource(resource, name),
                        Outcome = LedgerOutcome.Done,
                        Actor = Actor.System,
                        Reason = "r",
                        Time = TestStore.Start,
                        Source = "s",
                        Data = document.RootElement.Clone(),
                    };
                    state.Apply(entry);
                    catalog.Apply(entry);
                    log.Add(entry);
                }

                // what was taken in can be saved and read again
                RegistryState loaded = new();
                loaded.LoadSnapshot(SnapshotTests.Save(state));
                new CatalogState().LoadSnapshot(SnapshotTests.Save(catalog));
                Assert.Equal(all.Length, log.Changes.Select(c => c.Entry).Distinct().Count());
            },
            iter: 5_000);
    }

    [Fact]
    public async Task A_long_reason_is_cut_in_the_record_of_a_denial_and_never_within_a_character()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("a", status: VersionStatus.Rejected);
        for (int shift = 0; shift < 2; shift++)
        {
            string reason = new string('x', shift) + string.Concat(Enumerable.Repeat("\U0001F600", 1_999));
            await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("a", "champion", 1, reason));
            LedgerEntry denied = (await workspace.EntriesAsync())[^1];
            Assert.Equal(LedgerOutcome.Denied, denied.Outcome);
            Assert.InRange(denied.Reason.Length, 3_999, 4_000);
            Assert.DoesNotContain('\uFFFD', denied.Reason);
        }
    }

    [Fact]
    public async Task Any_text_as_tag_stage_description_or_host_is_taken_in_whole_or_refused_with_a_code()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("a");
        ModelRegistry registry = workspace.Registry;
        string[] nasty = ["", " ", "../..", "a\nb", "a\0", "\uD800", "a\uDC00", "\U0001F600", "<b>", "{}", "'; drop", new('x', 128), new('x', 129), new('x', 1_000), new('x', 1_001), new('x', 4_000), new('x', 4_001), new('x', 2_000_000), "\u202E", "ключ"];
        Gen<string> text = Gen.Frequency((3, Gen.Int[0, nasty.Length - 1].Select(i => nasty[i])), (2, Gen.String), (1, Gen.String[Gen.Char['a', 'z'], 1, 20]));
        await Gen.Select(text, text, Gen.Int[0, 7]).SampleAsync(
            async (one, two, what) =>
            {
                try
                {
                    switch (what)
                    {
                        case 0:
                            await registry.SetTagAsync("a", 1, one, two, "why");
                            Assert.Equal(two, (await registry.FindVersionAsync("a", 1))!.Tags[one]);
                            await registry.RemoveTagAsync("a", 1, one, "why");
                            break;
                        case 1:
                            await registry.SetTagAsync("a", null, "key", two, "why");
                            Assert.Equal(two, (await registry.FindModelAsync("a"))!.Tags["key"]);
                            break;
                        case 2:
                            await registry.RemoveTagAsync("a", 1, one, "why");
                            break;
                        case 3:
                            ModelSummary model = await registry.DescribeAsync("a", one, two, "why");
                            Assert.Equal((one, two), (model.Description ?? string.Empty, model.Owner ?? string.Empty));
                            break;
                        case 4:
                            await registry.MoveStageAsync("a", 1, one, "why", two);
                            break;
                        case 5:
                            await registry.EndDeploymentAsync("a", 1, one, "why");
                            break;
                        case 6:
                            await registry.RemoveAliasAsync("a", one, "why");
                            break;
                        default:
                            Assert.Empty(await registry.AliasHistoryAsync(one, two));
                            Assert.Empty(await registry.VersionsInServiceAtAsync(one, TestStore.Start));
                            break;
                    }
                }
                catch (MlopsException e)
                {
                    Assert.Contains(e.Code, (string[])["registry.invalid_tag", "registry.invalid_description", "registry.invalid_stage", "registry.stage_moved", "registry.invalid_alias", "registry.invalid_name", "registry.alias_not_found"]);
                    Assert.True(e.Message.Length < 600, e.Message);
                    Assert.DoesNotContain(e.Message, char.IsControl);
                }
            },
            iter: 500,
            threads: 1);
    }

    [Fact]
    public async Task Entries_written_around_the_registry_about_tags_stages_and_deletions_change_nothing_when_they_break_its_rules()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync("a");
        await workspace.Registry.MoveAliasAsync("a", "champion", 1, "why");
        LedgerResource resource = new("model", "a", 1);
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("a", 2, "k", "v"), resource);
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("a", 1, "bad key", "v"), resource);
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("a", 1, "k", "bad\nvalue"), resource);
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("b", 1, "k", "v"), resource);
        await workspace.AppendAsync(LedgerKinds.ModelDescribed, new DescriptionNote("a", new string('x', 5_000), null), resource);
        await workspace.AppendAsync(LedgerKinds.StageMoved, new StageNote("a", 1, VersionStages.Draft, VersionStages.Approved), resource);
        await workspace.AppendAsync(LedgerKinds.StageMoved, new StageNote("a", 1, VersionStages.Validated, "Not a stage"), resource);
        await workspace.AppendAsync(LedgerKinds.VersionDeprecated, new DeprecationNote("a", 1, 1), resource);
        await workspace.AppendAsync(LedgerKinds.VersionDeprecated, new DeprecationNote("a", 1, 9), resource);
        await workspace.AppendAsync(LedgerKinds.VersionDeleted, new TombstoneNote("a", 1, Digest.Of([7])), resource);
        await workspace.AppendAsync(LedgerKinds.VersionDeleted, new TombstoneNote("a", 1, version.Digest), resource); // an alias names it
        await workspace.AppendAsync(LedgerKinds.AliasMoved, new AliasNote("a", "never-was", null, 0, default), resource);
        Assert.Equal(version, await workspace.Registry.FindVersionAsync("a", 1));
        Assert.Null((await workspace.Registry.FindModelAsync("a"))!.Description);
        Assert.Equal(1, (await workspace.Registry.FindAliasAsync("a", "champion"))!.Number);
        Assert.Empty(await workspace.Registry.AliasHistoryAsync("a", "never-was"));
    }

    [Fact]
    public async Task Tags_written_around_the_registry_end_at_the_limit_too()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Ledger.AppendAsync([.. Enumerable.Range(0, 150).Select(i => new LedgerDraft(LedgerKinds.TagSet, new LedgerResource("model", "a"), "why", LedgerData.Of(new TagNote("a", null, $"k{i}", "v"))))]);
        Assert.Equal(100, (await workspace.Registry.FindModelAsync("a"))!.Tags.Count);
    }

    [Fact]
    public async Task Successors_that_go_round_in_circles_written_around_the_registry_do_not_hang_it()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        for (int i = 1; i <= 3; i++)
        {
            await workspace.RegisterAsync("a", $"{i}");
        }

        await workspace.AppendAsync(LedgerKinds.VersionDeprecated, new DeprecationNote("a", 2, 3), new LedgerResource("model", "a", 2));
        await workspace.AppendAsync(LedgerKinds.VersionDeprecated, new DeprecationNote("a", 3, 2), new LedgerResource("model", "a", 3));
        Assert.Equal(2, (await workspace.Registry.DeprecateVersionAsync("a", 1, "why", 2)).Deprecation!.Successor);
    }

    [Fact]
    public void Any_text_is_either_a_name_by_the_rules_or_refused() => Gen.String.Sample(text =>
    {
        bool expected = text.Length is >= 1 and <= 128 && char.IsAsciiLetterOrDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        return RegistryRules.IsName(text) == expected;
    });

    private static Dictionary<string, MetricValue> Metric(double value) => new() { ["auc"] = new(value) };
}
