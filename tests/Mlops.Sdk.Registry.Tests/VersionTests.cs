using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class VersionTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task Numbers_count_up_from_one_per_model()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        Assert.Equal(1, (await workspace.RegisterAsync("a", "1")).Number);
        Assert.Equal(2, (await workspace.RegisterAsync("a", "2")).Number);
        Assert.Equal(1, (await workspace.RegisterAsync("b", "3")).Number);
        Assert.Equal([1, 2], (await workspace.Registry.ListVersionsAsync("a")).Select(v => v.Number));
    }

    [Fact]
    public async Task A_version_says_who_why_when_and_with_which_metrics()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("ada"));
        ModelVersion version = await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(), "better on nights");
        ModelVersion? found = await workspace.Registry.FindVersionAsync("taxi-fare", 1);
        Assert.Same(version, found);
        Assert.Equal(("ada", "better on nights", TestStore.Start, VersionStatus.Validated), (version.By.Id, version.Reason, version.At, version.Status));
        Assert.Equal(new MetricValue(0.76, 0.74, 0.78), version.Metrics["auc"]);
        Assert.Equal("taxi-fare v1", version.ToString());
    }

    [Fact]
    public async Task The_manifest_is_read_back_as_it_was_and_its_digest_is_the_versions()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync() with
        {
            Parameters = new Dictionary<string, string> { ["leaves"] = "31", ["Änderung"] = "ja" },
            Dataset = new DatasetInfo("trips.csv", Digest.Of([1]), 100, 2) { From = "2020-01-01", To = "2021-01-01", TrainingRows = 80, TestRows = 20 },
            Environment = EnvironmentCapture.Now(7, "Mlops.Sdk.Core"),
            Gates = [new GateResult("beats-baseline", true, "0.76 against 0.5", new Dictionary<string, double> { ["auc"] = 0.76 })],
            Goal = new GoalResult("fewer surprises", []),
            Notes = ["Cost was left out: it leaks the label."],
            Datasets = [new DatasetReference("holdout", Digest.Of([2]), "test") { Source = "holdout.csv" }, new DatasetReference("trips", Digest.Of([1]), "training")],
        };
        ModelVersion version = await workspace.Registry.RegisterAsync(manifest, "why");
        ModelManifest read = await workspace.Registry.ReadManifestAsync(version);
        Assert.Equivalent(manifest, read, strict: true);
        Assert.Equal(version.Digest, Digest.Of(await workspace.Artifacts.ReadAsync(version.Digest, 1 << 20)));
    }

    [Fact]
    public async Task Equal_manifests_have_equal_digests_whatever_the_order_of_their_parts()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        ModelFile other = manifest.Files[0] with { Name = "a.json" };
        ModelVersion one = await workspace.Registry.RegisterAsync(manifest with { Files = [manifest.Files[0], other], Parameters = new Dictionary<string, string> { ["b"] = "1", ["a"] = "2" } }, "why");
        ModelVersion two = await workspace.Registry.RegisterAsync(manifest with { Files = [other, manifest.Files[0]], Parameters = new Dictionary<string, string> { ["a"] = "2", ["b"] = "1" } }, "why");
        Assert.Equal(one.Digest, two.Digest);
        Assert.NotEqual(one.Number, two.Number);
    }

    [Fact]
    public async Task A_manifest_without_datasets_has_the_bytes_it_had_before_there_were_any()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync();
        Assert.DoesNotContain("datasets", System.Text.Encoding.UTF8.GetString(await workspace.Artifacts.ReadAsync(version.Digest, 1 << 20)), StringComparison.Ordinal);
        Assert.Empty((await workspace.Registry.ReadManifestAsync(version)).Datasets);
    }

    [Fact]
    public async Task Registration_touches_its_files_and_its_manifest_before_the_ledger_names_them()
    {
        TouchedStore store = new();
        await using TestWorkspace workspace = await new TestStore { Store = store }.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        ModelVersion version = await workspace.Registry.RegisterAsync(manifest, "why");
        foreach (Digest digest in (Digest[])[manifest.Files[0].Digest, version.Digest])
        {
            int touched = store.Calls.IndexOf($"touch artifacts/sha256/{digest.Hex[..2]}/{digest.Hex}");
            Assert.InRange(touched, 0, store.Calls.FindLastIndex(c => c.StartsWith("put ledger/", StringComparison.Ordinal)) - 1);
        }
    }

    [Fact]
    public async Task A_file_that_is_not_stored_stops_the_registration()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        manifest = manifest with { Files = [.. manifest.Files, new ModelFile("profile.json", Digest.Of([9]), 1)] };
        MlopsNotFoundException error = await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.RegisterAsync(manifest, "why"));
        Assert.Equal("artifact.not_found", error.Code);
        Assert.Contains("profile.json", error.Message, StringComparison.Ordinal);
        Assert.Empty(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task A_blank_reason_is_refused_before_anything_is_written()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelManifest manifest = await workspace.ManifestAsync();
        foreach (string reason in (string[])["", " ", "\t\n"])
        {
            Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await workspace.Registry.RegisterAsync(manifest, reason))).Code);
            Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, reason))).Code);
            Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await workspace.Registry.RollbackAsync("taxi-fare", "champion", reason))).Code);
        }

        Assert.Empty(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task The_parent_is_the_champion_unless_the_manifest_names_one()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        Assert.Null((await workspace.RegisterAsync(content: "1")).Parent);
        Assert.Null((await workspace.RegisterAsync(content: "2")).Parent);
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "best");
        Assert.Equal(2, (await workspace.RegisterAsync(content: "3")).Parent);
        Assert.Equal(1, (await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(content: "4") with { Parent = 1 }, "why")).Parent);
        MlopsNotFoundException error = await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(content: "5") with { Parent = 9 }, "why"));
        Assert.Equal("registry.version_not_found", error.Code);
    }

    [Fact]
    public async Task What_does_not_exist_is_answered_with_nothing()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync();
        Assert.Null(await workspace.Registry.FindVersionAsync("taxi-fare", 2));
        Assert.Null(await workspace.Registry.FindVersionAsync("taxi-fare", 0));
        Assert.Null(await workspace.Registry.FindVersionAsync("taxi-fare", -1));
        Assert.Null(await workspace.Registry.FindVersionAsync("none", 1));
        Assert.Null(await workspace.Registry.FindAliasAsync("taxi-fare", "champion"));
        Assert.Empty(await workspace.Registry.ListVersionsAsync("../../etc/passwd"));
        Assert.Empty(await workspace.Registry.HistoryAsync("none"));
        Assert.Empty(await workspace.Registry.DeploymentsAsync("none"));
        Assert.Empty(await workspace.Registry.ListRunsAsync("none"));
    }

    [Fact]
    public async Task Models_are_listed_by_name_with_their_aliases()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("b");
        await workspace.RegisterAsync("a", "1");
        await workspace.RegisterAsync("a", "2");
        await workspace.Registry.MoveAliasAsync("a", "champion", 1, "best");
        IReadOnlyList<ModelSummary> models = await workspace.Registry.ListModelsAsync();
        Assert.Equal([("a", 2, 2), ("b", 1, 1)], models.Select(m => (m.Name, m.Versions, m.Latest)));
        Assert.Equal(1, models[0].Aliases["champion"]);
        Assert.Empty(models[1].Aliases);
    }

    [Fact]
    public async Task Eight_writers_on_two_registries_never_share_a_number()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace one = await store.OpenAsync();
        await using TestWorkspace two = await store.OpenAsync();
        ModelVersion[] all = await Task.WhenAll(Enumerable.Range(0, 8).SelectMany(w => Enumerable.Range(0, 5).Select(i => (w, i)))
            .Select(x => Task.Run(() => (x.w % 2 == 0 ? one : two).RegisterAsync(content: $"{x.w}/{x.i}"))));
        Assert.Equal(Enumerable.Range(1, 40), all.Select(v => v.Number).Order());
        Assert.Equal(all.OrderBy(v => v.Number).Select(v => v.Digest), (await one.Registry.ListVersionsAsync("taxi-fare")).Select(v => v.Digest));
    }

    [Fact]
    public async Task A_fresh_registry_reads_the_same_state()
    {
        await using TestWorkspace before = await _store.OpenAsync();
        await before.RegisterAsync(content: "1");
        await before.RegisterAsync(content: "2", status: VersionStatus.Rejected);
        await before.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "best");
        await using TestWorkspace after = await _store.OpenAsync();
        Assert.Equivalent(await before.Registry.ListModelsAsync(), await after.Registry.ListModelsAsync(), strict: true);
        Assert.Equivalent(await before.Registry.ListVersionsAsync("taxi-fare"), await after.Registry.ListVersionsAsync("taxi-fare"), strict: true);
        Assert.Equal(
            (await before.Registry.HistoryAsync("taxi-fare")).Select(e => e.Id),
            (await after.Registry.HistoryAsync("taxi-fare")).Select(e => e.Id));
    }

    [Fact]
    public async Task A_document_that_is_no_manifest_of_the_version_is_refused()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync("a");
        ModelVersion other = await workspace.RegisterAsync("b");
        Assert.Equal("registry.unreadable_manifest", await CodeAsync(workspace, version with { Digest = other.Digest }));
        foreach (string hostile in (string[])["", "{", "[]", "null", "{\"format\":1}", "{\"format\":\"x\"}", new string('[', 5_000), "{\"format\":1,\"model\":null}"])
        {
            using MemoryStream bytes = new(System.Text.Encoding.UTF8.GetBytes(hostile));
            Assert.Equal("registry.unreadable_manifest", await CodeAsync(workspace, version with { Digest = (await workspace.Artifacts.WriteAsync(bytes)).Digest }));
        }
    }

    [Fact]
    public async Task A_manifest_of_a_newer_format_is_refused_with_both_versions()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync("a");
        using MemoryStream bytes = new("""{"format":7,"model":"a","shape":"unknown"}"""u8.ToArray());
        Digest digest = (await workspace.Artifacts.WriteAsync(bytes)).Digest;
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await workspace.Registry.ReadManifestAsync(version with { Digest = digest }));
        Assert.Equal("registry.newer_format", error.Code);
        Assert.Contains("format 7", error.Message, StringComparison.Ordinal);
        Assert.Contains("up to 1", error.Message, StringComparison.Ordinal);
    }

    private static async Task<string> CodeAsync(TestWorkspace workspace, ModelVersion version) =>
        (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await workspace.Registry.ReadManifestAsync(version))).Code;

    /// <summary>Notes the order of calls.</summary>
    private sealed class TouchedStore : IObjectStore
    {
        private readonly InMemoryObjectStore _inner = new();

        public List<string> Calls { get; } = [];

        public string Description => _inner.Description;

        public ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            Calls.Add($"put {key}");
            return _inner.PutAsync(key, content, condition, cancellationToken);
        }

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => _inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => _inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => _inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => _inner.DeleteAsync(key, ifMatch, cancellationToken);

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default)
        {
            Calls.Add($"touch {key}");
            return _inner.TouchAsync(key, cancellationToken);
        }
    }
}
