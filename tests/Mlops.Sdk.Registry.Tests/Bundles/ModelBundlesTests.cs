using System.Buffers;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Bundles;

public sealed class ModelBundlesTests
{
    [Fact]
    public async Task A_version_arrives_elsewhere_with_the_same_digest_its_files_its_story_and_what_people_wrote()
    {
        TestStore here = new();
        await using TestWorkspace development = await here.OpenAsync(new Actor("ann"));
        await development.RegisterAsync(content: "one");
        ModelVersion two = await development.RegisterAsync(content: "two");
        await development.Registry.DescribeAsync("taxi-fare", "Says what a ride costs.", "team-rides", "to be found");
        await development.Registry.SetTagAsync("taxi-fare", 2, "region", "eu", "where it may be used");
        await development.Registry.SetTagAsync("taxi-fare", 1, "region", "us", "of another version");
        await development.AppendAsync(LedgerKinds.CardEdited, new CardNote("taxi-fare", null, "intended-use", "Quotes."), new LedgerResource("model", "taxi-fare"));
        await development.AppendAsync(LedgerKinds.CardEdited, new CardNote("taxi-fare", 2, "limits", "No airports."), new LedgerResource("model", "taxi-fare", 2));
        await development.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "better");
        BundleExportOptions signed = new() { Signatures = { ["model.sig"] = Encoding.UTF8.GetBytes("a signature") } };
        using MemoryStream zip = new();
        BundleExport export = await Bundles(development).ExportAsync("taxi-fare", 2, zip, signed);
        Assert.Equal(Digest.Of(zip.ToArray()), export.Digest);
        Assert.Equal(zip.Length, export.Length);

        await using TestWorkspace production = await new TestStore().OpenAsync(new Actor("bob"));
        await production.RegisterAsync(content: "made here");
        zip.Position = 0;
        BundleImport import = await Bundles(production).ImportAsync(zip, "approved by the release board");
        Assert.True(import.Made);
        Assert.Equal((2, two.Digest), (import.Version.Number, import.Version.Digest));
        Assert.Equal("bob", import.Version.By.Id);
        ModelManifest manifest = await production.Registry.ReadManifestAsync(import.Version);
        Assert.Equal("two", Encoding.UTF8.GetString(await production.Artifacts.ReadAsync(manifest.Files[0].Digest, 100)));
        List<LedgerEntry> entries = await production.EntriesAsync();
        LedgerEntry provenance = Assert.Single(entries, e => e.Kind == BundleKinds.Imported);
        LedgerEntry registered = entries.Last(e => e.Kind == LedgerKinds.VersionRegistered);
        Assert.Equal(registered.Commit, provenance.Commit);
        JsonElement source = provenance.Data.GetProperty("source");
        List<LedgerEntry> there = await development.EntriesAsync();
        Assert.Equal((there[0].Id, 2, "ann", "trained"), (source.GetProperty("workspace").GetString(), source.GetProperty("version").GetInt32(), source.GetProperty("by").GetString(), source.GetProperty("reason").GetString()));
        Assert.Equal(there[(int)source.GetProperty("entry").GetInt64()].Id, source.GetProperty("entryId").GetString());
        Assert.Equal("champion", source.GetProperty("aliases")[0].GetString());
        Assert.Equal("approved by the release board", provenance.Reason);
        Assert.Equal("a signature", Encoding.UTF8.GetString(await production.Artifacts.ReadAsync(Digest.Parse(provenance.Data.GetProperty("signatures")[0].GetProperty("digest").GetString()!), 100)));
        string lineage = Encoding.UTF8.GetString(await production.Artifacts.ReadAsync(Digest.Parse(provenance.Data.GetProperty("lineage").GetString()!), 1 << 20));
        Assert.Equal(import.Info.Entries, lineage.Count(c => c == '\n'));
        Assert.Contains("\"model.alias_moved\"", lineage, StringComparison.Ordinal);
        Assert.Equal("eu", import.Version.Tags.GetValueOrDefault("region") ?? (await production.Registry.FindVersionAsync("taxi-fare", 2))!.Tags["region"]);
        Assert.Equal(["intended-use", "limits"], entries.Where(e => e.Kind == LedgerKinds.CardEdited).Select(e => e.Data.GetProperty("section").GetString()));
        Assert.DoesNotContain(entries, e => e.Kind == LedgerKinds.ModelDescribed); // this workspace knew the model
        Assert.Null(await production.Registry.FindAliasAsync("taxi-fare", "champion"));
    }

    [Fact]
    public async Task Lines_of_lineage_are_the_bytes_that_stand_in_the_ledger()
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync(new Actor("ann \"ü\" <x>", ActorKind.Service, "bearer", "bob"));
        await workspace.RegisterAsync(content: "one");
        await workspace.Registry.SetTagAsync("taxi-fare", 1, "note", "\u00e9 & \u2028 \ud83d\ude00", "why: \"quoted\" <b>");
        await workspace.Ledger.AppendAsync([new LedgerDraft(LedgerKinds.DeploymentFailed, new LedgerResource("model", "taxi-fare", 1), "no\nway", JsonDocument.Parse("""{"model":"taxi-fare","version":1,"host":"h","n":[1.50,1e3,-0,null,true],"x":{"é":"\u0001"}}""").RootElement) { Outcome = LedgerOutcome.Failed, Correlation = "c" }]);
        List<string> stored = [];
        await foreach (ObjectInfo info in store.Store.ListAsync("ledger/commits/"))
        {
            using StreamReader reader = new((await store.Store.OpenAsync(info.Key))!);
            stored.AddRange((await reader.ReadToEndAsync()).Split('\n').Where(l => l.StartsWith("{\"id\"", StringComparison.Ordinal)));
        }

        ArrayBufferWriter<byte> lines = new();
        foreach (LedgerEntry entry in await workspace.EntriesAsync())
        {
            EntryCodec.Write(lines, entry);
            lines.Write("\n"u8);
        }

        Assert.Equal(stored, Encoding.UTF8.GetString(lines.WrittenSpan).TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task The_same_export_gives_the_same_bytes_and_taking_it_in_twice_changes_nothing()
    {
        await using TestWorkspace one = await new TestStore().OpenAsync();
        await one.RegisterAsync();
        byte[] first = await ExportAsync(one);
        Assert.Equal(first, await ExportAsync(one));
        await using TestWorkspace two = await new TestStore().OpenAsync();
        Assert.True((await ImportAsync(two, first)).Made);
        long entries = two.Ledger.Head.Entries;
        BundleImport again = await ImportAsync(two, first);
        Assert.Equal((false, 1, entries), (again.Made, again.Version.Number, two.Ledger.Head.Entries));
        Assert.False((await ImportAsync(one, first)).Made); // home again

        // and on from there, to a third workspace, still the same version
        await using TestWorkspace three = await new TestStore().OpenAsync();
        Assert.Equal(again.Version.Digest, (await ImportAsync(three, await ExportAsync(two))).Version.Digest);
    }

    [Fact]
    public async Task A_version_of_a_run_that_follows_another_comes_in_without_either()
    {
        await using TestWorkspace one = await new TestStore().OpenAsync();
        await one.RegisterAsync(content: "parent");
        await one.Registry.StartRunAsync(new RunStart("run-1", "taxi", "manual", "to see"));
        await one.Registry.RegisterAsync((await one.ManifestAsync(content: "child", runId: "run-1")) with { Parent = 1 }, "trained");
        await using TestWorkspace two = await new TestStore().OpenAsync();
        await two.Registry.StartRunAsync(new RunStart("run-1", "taxi", "manual", "a run of this workspace"));
        BundleImport child = await ImportAsync(two, await ExportAsync(one, 2));
        Assert.Equal((1, null, null), (child.Version.Number, child.Version.RunId, child.Version.Parent));
        Assert.Equal("run-1", child.Info.Source.RunId);
        Assert.Equal(RunStatus.Running, (await two.Registry.ListRunsAsync("taxi"))[0].Status); // not ended by a version of another workspace
        BundleImport parent = await ImportAsync(two, await ExportAsync(one, 1));
        Assert.Equal(2, parent.Version.Number);

        await using TestWorkspace three = await new TestStore().OpenAsync();
        await three.RegisterAsync(content: "something else");
        await ImportAsync(three, await ExportAsync(one, 1));
        Assert.Equal(2, (await ImportAsync(three, await ExportAsync(one, 2))).Version.Parent); // by digest, under its number here
    }

    [Fact]
    public async Task A_rejected_version_stays_rejected_and_a_guard_of_the_new_place_is_asked()
    {
        await using TestWorkspace one = await new TestStore().OpenAsync();
        await one.RegisterAsync(status: VersionStatus.Rejected);
        byte[] bundle = await ExportAsync(one);
        await using TestWorkspace two = await new TestStore().OpenAsync();
        Assert.Equal(VersionStatus.Rejected, (await ImportAsync(two, bundle)).Version.Status);
        await using TestWorkspace strict = await new TestStore().OpenAsync(guards: new NoImports());
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await ImportAsync(strict, bundle));
        Assert.Null(await strict.Registry.FindVersionAsync("taxi-fare", 1));
    }

    [Fact]
    public async Task A_bundle_is_a_zip_that_other_tools_read_and_deflated_ones_and_streams_that_cannot_seek_are_taken_in()
    {
        await using TestWorkspace one = await new TestStore().OpenAsync();
        await one.RegisterAsync(content: new string('x', 300_000));
        byte[] bundle = await ExportAsync(one);
        using MemoryStream packed = new();
        using (ZipArchive read = new(new MemoryStream(bundle)))
        using (ZipArchive write = new(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            Assert.Equal(["bundle.json", "files/model.zip", "ledger.jsonl", "manifest.json"], read.Entries.Select(e => e.FullName));
            foreach (ZipArchiveEntry entry in read.Entries)
            {
                await using Stream from = entry.Open();
                await using Stream to = write.CreateEntry(entry.FullName, CompressionLevel.Optimal).Open();
                await from.CopyToAsync(to);
            }
        }

        Assert.True(packed.Length < bundle.Length / 10);
        await using TestWorkspace two = await new TestStore().OpenAsync();
        BundleImport import = await Bundles(two).ImportAsync(new ForwardOnly(packed.ToArray()), "packed by another tool");
        Assert.Equal((await one.Registry.FindVersionAsync("taxi-fare", 1))!.Digest, import.Version.Digest);
    }

    [Fact]
    public async Task What_is_damaged_at_home_is_not_exported()
    {
        TestStore store = new();
        await using TestWorkspace one = await store.OpenAsync();
        ModelVersion version = await one.RegisterAsync();
        ModelManifest manifest = await one.Registry.ReadManifestAsync(version);
        using (MemoryStream other = new("MODEL"u8.ToArray()))
        {
            await store.Store.PutAsync(ObjectKey.Parse($"artifacts/sha256/{manifest.Files[0].Digest.Hex[..2]}/{manifest.Files[0].Digest.Hex}"), other);
        }

        Assert.Equal("artifact.corrupt", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await ExportAsync(one))).Code);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await ExportAsync(one, 9))).Code);
        BundleExportOptions bad = new() { Signatures = { ["../model.sig"] = new byte[1] } };
        Assert.Equal("bundle.invalid_signature", (await Assert.ThrowsAsync<MlopsDataException>(async () => await Bundles(one).ExportAsync("taxi-fare", 1, Stream.Null, bad))).Code);
    }

    internal static ModelBundles Bundles(TestWorkspace workspace) => new(workspace.Ledger, workspace.Artifacts, workspace.Registry);

    internal static async Task<byte[]> ExportAsync(TestWorkspace workspace, int version = 1)
    {
        using MemoryStream zip = new();
        await Bundles(workspace).ExportAsync("taxi-fare", version, zip);
        return zip.ToArray();
    }

    internal static async Task<BundleImport> ImportAsync(TestWorkspace workspace, byte[] bundle)
    {
        using MemoryStream zip = new(bundle, writable: false);
        return await Bundles(workspace).ImportAsync(zip, "to test");
    }

    private sealed class NoImports : ILedgerGuard
    {
        public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
        {
            if (draft.Outcome == LedgerOutcome.Done && companions.Any(c => c.Kind == BundleKinds.Imported))
            {
                throw new MlopsDeniedException("governance.access_denied", "Nobody imports here.");
            }
        }
    }

    private sealed class ForwardOnly(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override bool CanSeek => false;
    }
}
