using System.Buffers;
using System.Text.Json;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Registry.Tests;

/// <summary>The saved state of the registry's view: nothing is lost or made up by it, whatever the ledger holds and wherever it is cut.</summary>
public sealed class SnapshotTests
{
    [Fact]
    public void Saving_loading_and_going_on_gives_what_folding_all_gives() => RandomEntries.Ledger(120).Sample(
        ledger => SnapshotConformance.Check(() => new RegistryState(), ledger),
        iter: 40);

    [Fact]
    public void Readers_see_the_same_in_a_loaded_state() => RandomEntries.Ledger(120).Sample(
        ledger =>
        {
            RegistryState all = Fold(new RegistryState(), ledger);
            RegistryState loaded = new();
            loaded.LoadSnapshot(Save(all));
            Assert.Equal(Show(all), Show(loaded));
        },
        iter: 1_000);

    [Fact]
    public void The_random_ledgers_reach_every_part_of_the_state()
    {
        HashSet<string> reached = [];
        RandomEntries.Ledger(120).Sample(
            ledger =>
            {
                RegistryState state = Fold(new RegistryState(), ledger);
                foreach (string name in (string[])["a", "b", "long-name"])
                {
                    try
                    {
                        state.Read(name, m => Reach(m, reached));
                    }
                    catch (MlopsIntegrityException)
                    {
                        reached.Add("newer");
                    }
                }
            },
            iter: 300,
            threads: 1);
        Assert.Equal(["alias", "deleted", "deployment", "deprecated", "ended", "newer", "owner", "parent", "removed", "run", "stage", "tag", "version tag"], reached.Order());
    }

    [Fact]
    public void Bytes_that_are_no_state_at_all_are_refused_without_much_memory()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (byte[] hostile in (byte[][])[[], [0xFF], [0xFE, 0xFF, 0xFF, 0xFF, 0x0F], [2, 2, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F], [.. Enumerable.Repeat((byte)0xFF, 1_000)], [0, 0, 0], [0, 2]])
        {
            Assert.Throws<FormatException>(() => new RegistryState().LoadSnapshot(hostile));
        }

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10_000_000);
    }

    [Fact]
    public void An_empty_state_is_saved_and_loaded()
    {
        RegistryState loaded = new();
        loaded.LoadSnapshot(Save(new RegistryState()));
        Assert.Empty(loaded.Models());
    }

    private static bool Reach(ModelState? model, HashSet<string> reached)
    {
        if (model is null)
        {
            return false;
        }

        void When(bool condition, string what)
        {
            if (condition)
            {
                reached.Add(what);
            }
        }

        When(model.Aliases.Count > 0, "alias");
        When(model.Aliases.Values.Any(a => a.Last!.To == 0), "removed");
        When(model.Owner is not null, "owner");
        When(model.Tags.Count > 0, "tag");
        When(model.Deployments.Count > 0, "deployment");
        When(model.Deployments.Exists(d => d.End is not null), "ended");
        foreach (ModelVersion version in model.Versions)
        {
            When(version.Deleted, "deleted");
            When(version.Deprecation is not null, "deprecated");
            When(version.Parent is not null, "parent");
            When(version.RunId is not null, "run");
            When(version.Stage is VersionStages.Approved or VersionStages.Archived, "stage");
            When(version.Tags.Count > 0, "version tag");
        }

        return true;
    }

    internal static RegistryState Fold(RegistryState state, IEnumerable<LedgerEntry> entries)
    {
        foreach (LedgerEntry entry in entries)
        {
            state.Apply(entry);
        }

        return state;
    }

    internal static byte[] Save(ISnapshotProjection state)
    {
        ArrayBufferWriter<byte> writer = new();
        state.SaveSnapshot(writer);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Everything that readers can see.</summary>
    private static string Show(RegistryState state)
    {
        List<string> all = [];
        foreach (string name in (string[])["a", "b", "long-name"])
        {
            try
            {
                all.Add(state.Read(name, m => m is null ? "none" : JsonSerializer.Serialize(new { Summary = m.Summary(), m.Versions, m.History, m.Deployments, Open = m.Open.OrderBy(o => o.Key, StringComparer.Ordinal), Aliases = m.Aliases.Select(a => (object)new { a.Key, a.Value.Last, Steps = a.Value.Steps.ToArray() }) })));
                all.Add(JsonSerializer.Serialize(state.Runs(name)));
            }
            catch (MlopsIntegrityException e)
            {
                all.Add(e.Message);
            }
        }

        return string.Join('\n', all);
    }
}
