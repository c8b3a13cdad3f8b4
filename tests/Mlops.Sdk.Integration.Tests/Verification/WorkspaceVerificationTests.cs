using System.Globalization;
using System.Text;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Integration.Tests.Verification;

/// <summary>What a verification of a whole workspace says about what is missing, strange, left over or rewritten.</summary>
public sealed class WorkspaceVerificationTests(Everything everything) : IClassFixture<Everything>
{
    [Fact]
    public async Task A_workspace_as_it_was_written_is_ok_and_everything_was_looked_at()
    {
        WorkspaceVerification found = await MlopsWorkspace.VerifyFolderAsync(everything.Folder, everything.Checkpoint);
        Assert.True(found.Ok, string.Join('\n', found.Findings));
        Assert.Empty(found.Findings);
        Assert.Equal(everything.Checkpoint, found.Ledger.Checkpoint);
        Assert.Equal(everything.Objects.Count, found.Objects);
        Assert.True(found.Bytes >= everything.Objects.Values.Sum(o => o.LongLength), $"{found.Bytes} bytes were read.");
        Assert.Equal(["artifacts", "cursors", "folder", "ledger", "monitoring", "open-windows", "records", "signals", "step-cache", "versions", "webhooks", "unknown"], found.Areas.Select(a => a.Area));
    }

    [Fact]
    public async Task It_changes_nothing_and_tells_how_far_it_is()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        var steps = new List<WorkspaceVerificationProgress>();
        await using (MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(store))
        {
            WorkspaceVerification found = await mlops.VerifyAsync(progress: new Told(steps));
            Assert.True(found.Ok, string.Join('\n', found.Findings));
            Assert.Equal(new WorkspaceVerificationProgress(found.Objects, found.Bytes, 0), steps[^1]);
            await MlopsWorkspace.VerifyStoreAsync(store);
        }

        Assert.Equal(everything.Objects.Keys, await store.ListAsync(string.Empty).Select(o => o.Key.Value).ToArrayAsync());
    }

    [Fact]
    public async Task Every_object_that_something_names_is_missed()
    {
        int missed = 0;
        HashSet<string> live = await LiveAsync();
        long tail = LastOf("ledger/segments/") + 6;
        foreach (string key in everything.Objects.Keys)
        {
            WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(await everything.CopyAsync(without: key), trusted: everything.Checkpoint);
            if (IsNamed(key))
            {
                missed++;
                Assert.False(found.Ok, $"'{key}' was not missed.");
                Assert.Contains(found.Findings, f => f is { Kind: StoreFindingKind.Missing } && f.Key == key);
            }
            else
            {
                // derived (saved views, the step cache, a last segment whose commits are still there), folded (commits that stand in a segment), or known to nobody but itself (a cursor, the first and last page of deliveries)
                Assert.True(found.Ok, $"'{key}': {string.Join('\n', found.Findings)}");
            }
        }

        Assert.True(missed > 20, $"Only {missed} objects were missed.");

        bool IsNamed(string key) => Everything.KindOf(key) switch
        {
            "snapshots" or "cache" or "cursors" or "parts" => false,
            "commits" => NumberOf(key) >= tail,
            "segments" => NumberOf(key) < tail - 6,
            "webhooks" => key.EndsWith("00000001", StringComparison.Ordinal),
            "artifacts" => live.Contains(key),
            _ => true,
        };
    }

    [Fact]
    public async Task A_last_segment_that_is_gone_with_its_commits_is_named_by_the_gap_that_it_leaves()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        string segment = everything.Objects.Keys.Last(k => k.StartsWith("ledger/segments/", StringComparison.Ordinal));
        foreach (string key in everything.Objects.Keys.Where(k => k == segment || (Everything.KindOf(k) == "commits" && NumberOf(k) < NumberOf(segment) + 6)))
        {
            await store.DeleteAsync(ObjectKey.Parse(key));
        }

        Assert.Contains((await MlopsWorkspace.VerifyStoreAsync(store)).Findings, f => f.Key == segment && f.Kind == StoreFindingKind.Missing);
    }

    [Fact]
    public async Task Nothing_that_one_damage_hides_keeps_the_others_from_being_named()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        string[] one = [.. everything.Objects.Keys.GroupBy(Everything.KindOf).Select(g => g.Last())];
        string[] commits = [.. everything.Objects.Keys.Where(k => k.StartsWith("ledger/commits/", StringComparison.Ordinal)).TakeLast(2)];
        foreach (string key in one.Union(commits))
        {
            byte[] bad = [.. everything.Objects[key]];
            bad[bad.Length / 2] ^= 4;
            await Everything.PutAsync(store, key, bad);
        }

        WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(store);
        Assert.Empty(one.Union(commits).Except(found.Findings.Where(f => f.Severity == StoreFindingSeverity.Damage).Select(f => f.Key)));
        Assert.False(found.Ledger.IsWhole);
    }

    [Theory]
    [InlineData("readme.txt")]
    [InlineData("ledger/notes")]
    [InlineData("ledger/commits/000000000007x")]
    [InlineData("ledger/snapshots/registry/x/000000000001")]
    [InlineData("ledger/cursors/a/b")]
    [InlineData("artifacts/sha256/ab/abcd")]
    [InlineData("artifacts/other")]
    [InlineData("cache/other")]
    [InlineData("monitoring/a/b")]
    [InlineData("records/access/unknown")]
    [InlineData("webhooks/hook/deliveries/7")]
    public async Task An_object_that_nobody_knows_by_its_key_is_named_and_does_no_harm(string key)
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        await Everything.PutAsync(store, key, "hello"u8.ToArray());
        WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(store);
        StoreFinding finding = Assert.Single(found.Findings);
        Assert.Equal((StoreFindingKind.Unknown, key, StoreFindingSeverity.Leftover), (finding.Kind, finding.Key, finding.Severity));
        Assert.True(found.Ok);
        Assert.True(found.Ledger.IsWhole);
    }

    [Fact]
    public async Task What_lies_in_the_folder_and_is_no_object_is_named()
    {
        using var folder = new TemporaryFolder();
        CopyFolder(everything.Folder, folder["w"]);
        await File.WriteAllTextAsync(folder["w/Thumbs.DB"], "x");
        Directory.CreateDirectory(folder["w/My Files"]);
        File.CreateSymbolicLink(folder["w/link"], folder["w/Thumbs.DB"]);
        Directory.CreateDirectory(folder["w/.tmp/uploads"]);
        await File.WriteAllTextAsync(folder["w/.tmp/uploads/half"], "half of it");
        File.SetLastWriteTimeUtc(folder["w/.tmp/uploads/half"], TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-1));
        WorkspaceVerification found = await MlopsWorkspace.VerifyFolderAsync(folder["w"]);
        Assert.True(found.Ok);
        Assert.Equal([".tmp/uploads/half", "My Files", "Thumbs.DB", "link"], found.Findings.Select(f => f.Key));
        Assert.Equal(StoreFindingKind.Surplus, found.Findings[0].Kind);
    }

    [Fact]
    public async Task A_late_commit_beside_its_segment_is_named_and_the_ledger_is_read_to_its_end()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        string folded = everything.Objects.Keys.First(k => k.StartsWith("ledger/commits/", StringComparison.Ordinal));
        string last = everything.Objects.Keys.Last(k => k.StartsWith("ledger/commits/", StringComparison.Ordinal));
        await Everything.PutAsync(store, folded, everything.Objects[last]);
        WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(store, trusted: everything.Checkpoint);
        Assert.Equal(folded, Assert.Single(found.Findings).Key);
        Assert.True(found.Ledger.IsWhole);
        Assert.Equal(everything.Checkpoint, found.Ledger.Checkpoint);
    }

    [Fact]
    public async Task Windows_and_segments_that_the_ledger_never_named_are_not_committed()
    {
        SortedDictionary<string, byte[]> objects = everything.Objects;
        InMemoryObjectStore store = await everything.CopyAsync();
        string text = Encoding.UTF8.GetString(objects.First(o => Everything.KindOf(o.Key) == "monitoring").Value);
        string id = objects.Keys.First(k => Everything.KindOf(k) == "monitoring")["monitoring/".Length..];
        await Everything.PutAsync(store, "monitoring/never", Encoding.UTF8.GetBytes(text.Replace(id, "never", StringComparison.Ordinal)));
        (byte[] segment, _) = SegmentCodec.Write(new SegmentHeader("other", "w", 0, null, RecordCompression.None, 1, 3, 10, 10), "\u0001\u0014x"u8);
        await Everything.PutAsync(store, "records/other/w-00000000", segment);
        WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(store);
        Assert.True(found.Ok);
        Assert.Equal(["monitoring/never", "records/other/w-00000000"], found.Findings.Select(f => f.Key));
        Assert.All(found.Findings, f => Assert.Equal(StoreFindingKind.NotCommitted, f.Kind));
    }

    [Fact]
    public async Task A_checkpoint_from_elsewhere_finds_a_tail_that_was_cut_off_and_another_history()
    {
        string last = everything.Objects.Keys.Last(k => k.StartsWith("ledger/commits/", StringComparison.Ordinal));
        InMemoryObjectStore cut = await everything.CopyAsync(without: last);
        Assert.True((await MlopsWorkspace.VerifyStoreAsync(cut)).Ok); // nothing in the store can tell
        Assert.Contains(last, (await MlopsWorkspace.VerifyStoreAsync(cut, trusted: everything.Checkpoint)).Findings.Select(f => f.Key));
        WorkspaceVerification other = await MlopsWorkspace.VerifyStoreAsync(await everything.CopyAsync(), trusted: everything.Checkpoint with { Root = Digest.Of("another"u8) });
        Assert.Equal(StoreFindingKind.Contradiction, other.Findings[0].Kind);
        Assert.False(other.Ok);
    }

    [Fact]
    public async Task A_cursor_behind_the_end_of_the_ledger_tells_that_the_ledger_was_rolled_back()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        await Everything.PutAsync(store, "ledger/cursors/ahead", new CursorDocument(1, "ahead", everything.Checkpoint.Entries + 1, 0, null, null, "t").Write());
        StoreFinding finding = Assert.Single((await MlopsWorkspace.VerifyStoreAsync(store)).Findings);
        Assert.Equal((StoreFindingKind.Contradiction, "ledger/cursors/ahead"), (finding.Kind, finding.Key));
    }

    [Fact]
    public async Task A_flood_of_strange_objects_is_counted_and_does_not_hide_damage()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        for (int i = 0; i < FindingList.Most + 500; i++)
        {
            await Everything.PutAsync(store, $"a/{i:D5}", [1]);
        }

        string artifact = everything.Objects.Keys.First(k => k.StartsWith("artifacts/", StringComparison.Ordinal));
        await Everything.PutAsync(store, artifact, [1, 2, 3]);
        WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(store);
        Assert.Equal(artifact, found.Findings[0].Key);
        Assert.Equal(500, found.NotListed);
        Assert.Equal(FindingList.Most + 500, found.Areas.Single(a => a.Area == "unknown").Leftovers);
    }

    [Fact]
    public async Task Answers_that_are_torn_once_are_no_damage_and_a_store_that_fails_is_told()
    {
        InMemoryObjectStore inner = await everything.CopyAsync();
        string artifact = everything.Objects.Keys.First(k => k.StartsWith("artifacts/", StringComparison.Ordinal));
        WorkspaceVerification torn = await MlopsWorkspace.VerifyStoreAsync(new FailingReads(inner, artifact, torn: 1));
        Assert.True(torn.Ok, string.Join('\n', torn.Findings));
        StoreFinding failed = Assert.Single((await MlopsWorkspace.VerifyStoreAsync(new FailingReads(inner, artifact, torn: 0))).Findings);
        Assert.Equal((StoreFindingKind.NotChecked, artifact), (failed.Kind, failed.Key));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_not_made()
    {
        using var folder = new TemporaryFolder();
        MlopsNotFoundException error = await Assert.ThrowsAsync<MlopsNotFoundException>(() => MlopsWorkspace.VerifyFolderAsync(folder["nothing"]));
        Assert.Equal("workspace.not_found", error.Code);
        Assert.False(Directory.Exists(folder["nothing"]));
    }

    /// <summary>The artifacts that live versions and runs name: what only a deleted version or nobody names is not missed.</summary>
    private async Task<HashSet<string>> LiveAsync()
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(await everything.CopyAsync());
        HashSet<Digest> live = [];
        foreach (ModelSummary model in await mlops.Registry.ListModelsAsync())
        {
            foreach (ModelVersion version in (await mlops.Registry.ListVersionsAsync(model.Name)).Where(v => !v.Deleted))
            {
                live.Add(version.Digest);
                live.UnionWith((await mlops.Registry.ReadManifestAsync(version)).Files.Select(f => f.Digest));
            }
        }

        live.UnionWith((await mlops.Runs.SearchRunsAsync(new RunQuery())).Runs.SelectMany(r => r.Artifacts.Values).Select(a => a.Digest));
        return [.. live.Select(d => ArtifactKeys.Of(d).Value)];
    }

    private long LastOf(string prefix) => everything.Objects.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Max(NumberOf);

    private static long NumberOf(string key) => long.Parse(key.Split('/')[^1].Split('-')[0], CultureInfo.InvariantCulture);

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private sealed class Told(List<WorkspaceVerificationProgress> steps) : IProgress<WorkspaceVerificationProgress>
    {
        public void Report(WorkspaceVerificationProgress value)
        {
            lock (steps)
            {
                steps.Add(value);
            }
        }
    }

    /// <summary>Gives only a part of one object so many times, or always fails at it.</summary>
    private sealed class FailingReads(IObjectStore inner, string key, int torn) : IObjectStore
    {
        private int _torn;

        public string Description => inner.Description;

        public async ValueTask<Stream?> OpenAsync(ObjectKey asked, ByteRange? range = null, CancellationToken cancellationToken = default) =>
            asked.Value != key ? await inner.OpenAsync(asked, range, cancellationToken)
            : torn == 0 ? throw new MlopsStorageException("store.unavailable", "The medium is away.")
            : await inner.OpenAsync(asked, Interlocked.Increment(ref _torn) <= torn ? new ByteRange(0, 3) : range, cancellationToken);

        public ValueTask<PutResult> PutAsync(ObjectKey asked, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default) => throw new InvalidOperationException("A verification wrote.");

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey asked, CancellationToken cancellationToken = default) => inner.HeadAsync(asked, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey asked, string? ifMatch = null, CancellationToken cancellationToken = default) => throw new InvalidOperationException("A verification deleted.");

        public ValueTask<bool> TouchAsync(ObjectKey asked, CancellationToken cancellationToken = default) => throw new InvalidOperationException("A verification touched.");
    }
}
