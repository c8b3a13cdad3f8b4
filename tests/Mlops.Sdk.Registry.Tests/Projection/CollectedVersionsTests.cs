using System.Runtime.CompilerServices;
using System.Text;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Registry.Tests.Projection;

/// <summary>A collection of artifacts goes by the same rules as the registry: what the registry shows as live is never taken, whatever stands in the ledger.</summary>
public sealed class CollectedVersionsTests
{
    private static readonly string[] Models = ["a", "b"];
    private static readonly string[] Aliases = ["champion", "next", "No Alias"];

    [Fact]
    public void What_the_registry_shows_as_live_is_marked_and_what_it_shows_as_deleted_is_not() =>
        Gen.Select(Gen.Int[0, 11], Gen.Int[0, 1], Gen.Int[0, 4], Gen.Int[0, 2], Gen.Int[0, 19]).Array[1, 60].Sample(
            steps =>
            {
                (LedgerEntry[] entries, Dictionary<Digest, Digest> files, InMemoryObjectStore store) = Make(steps);
                var state = new RegistryState();
                Array.ForEach(entries, state.Apply);
                ArtifactMarks marks = new(store, new GivenLedger(entries));
                Run(marks.AdvanceAsync(CancellationToken.None).AsTask());
                foreach (string model in Models)
                {
                    bool newer = entries.Any(e => e.Format > 1 && e.Outcome == LedgerOutcome.Done && e.Resource.Name == model);
                    foreach (ModelVersion version in newer ? [] : state.Read(model, m => m?.Versions.ToArray() ?? []))
                    {
                        Assert.Equal(!version.Deleted, marks.Contains(files[version.Digest]));
                        Assert.True(version.Deleted || marks.Contains(version.Digest));
                    }
                }

                // whatever counts and whatever a newer version of the library meant: what was registered and never named by a tombstone stays
                foreach ((Digest manifest, Digest file) in files.Where(f => entries.Any(e => Names(e, LedgerKinds.VersionRegistered, f.Key)) && !entries.Any(e => Names(e, LedgerKinds.VersionDeleted, f.Key))))
                {
                    Assert.True(marks.Contains(file), $"{manifest} was never deleted.");
                }
            },
            iter: 2_000);

    [Theory]
    [InlineData("wrong digest")]
    [InlineData("named by an alias")]
    [InlineData("of another resource")]
    [InlineData("denied")]
    [InlineData("of a newer format")]
    public void A_tombstone_that_does_not_count_takes_nothing(string which)
    {
        InMemoryObjectStore store = new();
        Digest file = Put(store, "file");
        Digest manifest = Put(store, $"manifest of {file}");
        LedgerEntry registered = Registered(0, "a", 1, manifest);
        LedgerEntry alias = RandomEntries.Entry(1, LedgerKinds.AliasMoved, new LedgerResource("model", "a"), new AliasNote("a", "champion", null, 1, manifest));
        LedgerEntry tombstone = RandomEntries.Entry(
            2,
            LedgerKinds.VersionDeleted,
            new LedgerResource("model", which == "of another resource" ? "b" : "a", 1),
            new TombstoneNote("a", 1, which == "wrong digest" ? Digest.Of("x"u8) : manifest),
            odd: which switch { "denied" => 2, "of a newer format" => 1, _ => 9 });
        LedgerEntry[] entries = which == "named by an alias" ? [registered, alias, tombstone] : [registered, tombstone];
        ArtifactMarks marks = new(store, new GivenLedger(entries));
        Run(marks.AdvanceAsync(CancellationToken.None).AsTask());
        Assert.True(marks.Contains(file));
        Assert.True(marks.Contains(manifest));
    }

    private static (LedgerEntry[] Entries, Dictionary<Digest, Digest> Files, InMemoryObjectStore Store) Make((int, int, int, int, int)[] steps)
    {
        InMemoryObjectStore store = new();
        List<LedgerEntry> entries = [];
        Dictionary<Digest, Digest> files = [];
        Dictionary<string, List<Digest>> versions = new() { ["a"] = [], ["b"] = [] };
        foreach ((int what, int which, int one, int two, int odd) in steps)
        {
            string model = Models[which];
            List<Digest> known = versions[model];
            int number = known.Count == 0 ? 1 : 1 + (one % known.Count);
            Digest digest = known.Count == 0 || odd == 0 ? Digest.Of("other"u8) : known[number - 1];
            int at = entries.Count;
            LedgerResource resource = new("model", odd == 4 ? "b" : model, number);
            switch (what)
            {
                case 0 or 1 or 2 or 3:
                    Digest file = Put(store, $"file {at}");
                    Digest manifest = Put(store, $"manifest {at} of {file}");
                    int next = odd == 5 ? known.Count + 2 : known.Count + 1;
                    files.Add(manifest, file);
                    entries.Add(Registered(at, model, next, manifest, odd));
                    if (next == known.Count + 1 && odd is not (1 or 2 or 3))
                    {
                        known.Add(manifest);
                    }

                    break;
                case 4 or 5 or 6:
                    // the note's own digest is another one, so that an alias by itself keeps nothing
                    entries.Add(RandomEntries.Entry(at, LedgerKinds.AliasMoved, resource, new AliasNote(model, Aliases[two], null, odd is 6 or 7 ? 0 : number, Digest.Of("note"u8)), odd));
                    break;
                default:
                    entries.Add(RandomEntries.Entry(at, LedgerKinds.VersionDeleted, resource, new TombstoneNote(model, number, digest), odd));
                    break;
            }
        }

        return ([.. entries], files, store);
    }

    private static bool Names(LedgerEntry entry, string kind, Digest digest) =>
        entry.Kind == kind && entry.Outcome == LedgerOutcome.Done && entry.Data.GetRawText().Contains(digest.Hex, StringComparison.Ordinal);

    private static LedgerEntry Registered(int at, string model, int number, Digest manifest, int odd = 9) =>
        RandomEntries.Entry(at, LedgerKinds.VersionRegistered, new LedgerResource("model", model, number), new VersionNote(model, number, manifest, VersionStatus.Validated, []), odd);

    private static Digest Put(InMemoryObjectStore store, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Digest digest = Digest.Of(bytes);
        using var content = new MemoryStream(bytes);
        Run(store.PutAsync(ArtifactKeys.Of(digest), content).AsTask());
        return digest;
    }

    private static void Run(Task task) => task.GetAwaiter().GetResult(); // a store in memory: nothing waits

    /// <summary>Gives entries, also such as no ledger would number.</summary>
    private sealed class GivenLedger(LedgerEntry[] entries) : ILedger
    {
        public LedgerHead Head => new(entries.Length, entries.Length, default);

        public ValueTask<LedgerHead> RefreshAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(Head);

        public async IAsyncEnumerable<LedgerEntry> ReadAsync(long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask;
            foreach (LedgerEntry entry in entries.Skip((int)from))
            {
                yield return entry;
            }
        }

        public ValueTask<LedgerReceipt> AppendAsync(IReadOnlyList<LedgerDraft> drafts, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<LedgerReceipt> AppendAsync(string subject, Func<IReadOnlyList<LedgerDraft>> decide, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask AttachAsync(ILedgerProjection projection, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public IAsyncEnumerable<LedgerEntry> FollowAsync(long from, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<LedgerVerification> VerifyAsync(LedgerCheckpoint? trusted, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<LedgerCheckpoint> CheckpointAsync(long? entries = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<InclusionProof> ProveInclusionAsync(long entry, long? entries = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<ConsistencyProof> ProveConsistencyAsync(long olderEntries, long? entries = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
