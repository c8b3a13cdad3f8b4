using System.Buffers;

namespace Mlops.Sdk.Testing;

/// <summary>A view breaks a rule of <see cref="ISnapshotProjection"/>.</summary>
/// <param name="message">What was expected and what was found.</param>
public sealed class SnapshotConformanceException(string message) : Exception(message);

/// <summary>The contract of <see cref="ISnapshotProjection"/> as a check: saving and loading anywhere changes nothing, equal entries give equal bytes, hostile bytes are refused and leave an empty view.</summary>
public static class SnapshotConformance
{
    private const int Damages = 400;

    /// <summary>Checks a view over the entries of a ledger.</summary>
    /// <param name="create">Makes an empty view.</param>
    /// <param name="entries">Entries that exercise it, in order from number 0.</param>
    /// <param name="seed">The seed of the damages that are tried.</param>
    /// <exception cref="SnapshotConformanceException">It breaks a rule.</exception>
    public static void Check(Func<ISnapshotProjection> create, IReadOnlyList<LedgerEntry> entries, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(create);
        ArgumentNullException.ThrowIfNull(entries);
        ISnapshotProjection whole = Fold(create(), entries);
        byte[] expected = Save(whole);
        if (!Save(Fold(create().NewEmpty(), entries)).AsSpan().SequenceEqual(expected))
        {
            throw new SnapshotConformanceException($"{create().SnapshotName}: two views of the same entries are saved as different bytes. Write collections in a fixed order, and nothing of the clock or the machine.");
        }

        ISnapshotProjection step = create();
        for (int cut = 0; cut <= entries.Count; cut++)
        {
            ISnapshotProjection loaded = create();
            loaded.LoadSnapshot(Save(step));
            if (!Save(Fold(loaded, entries.Skip(cut))).AsSpan().SequenceEqual(expected))
            {
                throw new SnapshotConformanceException($"{step.SnapshotName}: a view that was saved before entry {cut}, loaded, and given the entries from there on is not the view of all entries. Something is not saved.");
            }

            if (cut < entries.Count)
            {
                step.Apply(entries[cut]);
            }
        }

        RefuseDamage(create, expected, new Random(seed));
    }

    /// <summary>Damaged bytes never reach a view, for they are checked by digest; those of another writer may, and must neither pass as something else's error nor be believed without bounds.</summary>
    private static void RefuseDamage(Func<ISnapshotProjection> create, byte[] good, Random random)
    {
        byte[] empty = Save(create());
        for (int i = 0; i < Damages && good.Length > 0; i++)
        {
            byte[] bad = i % 2 == 0 ? good[..random.Next(good.Length)] : [.. good];
            if (i % 2 == 1)
            {
                bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            }

            ISnapshotProjection view = create();
            try
            {
                view.LoadSnapshot(bad);
            }
            catch (FormatException)
            {
                if (!Save(view).AsSpan().SequenceEqual(empty))
                {
                    throw new SnapshotConformanceException($"{view.SnapshotName}: a view that refused damaged bytes should be empty and keeps a part of them. Take the state over only when all of it is read.");
                }
            }
            catch (Exception error) when (error is not SnapshotConformanceException)
            {
                throw new SnapshotConformanceException($"{create().SnapshotName}: damaged bytes should be refused with FormatException and ended in {error.GetType().Name}: {error.Message}");
            }
        }
    }

    private static ISnapshotProjection Fold(ISnapshotProjection view, IEnumerable<LedgerEntry> entries)
    {
        foreach (LedgerEntry entry in entries)
        {
            view.Apply(entry);
        }

        return view;
    }

    private static byte[] Save(ISnapshotProjection view)
    {
        var writer = new ArrayBufferWriter<byte>();
        view.SaveSnapshot(writer);
        return writer.WrittenSpan.ToArray();
    }
}
