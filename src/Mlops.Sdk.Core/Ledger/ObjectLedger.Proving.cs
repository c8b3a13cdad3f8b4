using System.Numerics;

namespace Mlops.Sdk;

/// <summary>Proving: what RFC 6962 calls audit paths and consistency proofs.</summary>
public sealed partial class ObjectLedger
{
    private const int Block = 256;
    private readonly SemaphoreSlim _proving = new(1, 1); // holds: who may use the roots of blocks
    private readonly List<byte[]> _blocks = [];          // the roots of 256 leaves each: 125 KB for a million entries
    private (long Block, List<List<byte[]>> Levels) _lastBlock = (-1, [[]]);
    private LedgerCheckpoint _lastCheckpoint = new(0, MerkleTree.EmptyRoot);

    /// <inheritdoc/>
    public async ValueTask<LedgerCheckpoint> CheckpointAsync(long? entries = null, CancellationToken cancellationToken = default)
    {
        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            if (entries is null || entries == _tree.Size)
            {
                return new LedgerCheckpoint(_tree.Size, _tree.Root);
            }
        }

        return await ProveAsync(
            entries.Value,
            async size => _lastCheckpoint.Entries == size
                ? _lastCheckpoint
                : _lastCheckpoint = new LedgerCheckpoint(size, await RootAsync(0, size, cancellationToken).ConfigureAwait(false)),
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<InclusionProof> ProveInclusionAsync(long entry, long? entries = null, CancellationToken cancellationToken = default)
    {
        LedgerCheckpoint checkpoint = await CheckpointAsync(entries, cancellationToken).ConfigureAwait(false);
        if (entry < 0 || entry >= checkpoint.Entries)
        {
            throw new ArgumentOutOfRangeException(nameof(entry), entry, $"The ledger has entries 0 to {checkpoint.Entries - 1} at this size.");
        }

        byte[] line = await ReadLineAsync(entry, cancellationToken).ConfigureAwait(false);
        return await ProveAsync(
            checkpoint.Entries,
            async size => new InclusionProof(entry, line, checkpoint, await PathAsync(entry, 0, size, cancellationToken).ConfigureAwait(false)),
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<ConsistencyProof> ProveConsistencyAsync(long olderEntries, long? entries = null, CancellationToken cancellationToken = default)
    {
        LedgerCheckpoint newer = await CheckpointAsync(entries, cancellationToken).ConfigureAwait(false);
        if (olderEntries < 0 || olderEntries > newer.Entries)
        {
            throw new ArgumentOutOfRangeException(nameof(olderEntries), olderEntries, $"The older state has 0 to {newer.Entries} entries, the newer one {newer.Entries}.");
        }

        LedgerCheckpoint older = await CheckpointAsync(olderEntries, cancellationToken).ConfigureAwait(false);
        return await ProveAsync(
            newer.Entries,
            async size => new ConsistencyProof(older, newer, olderEntries is 0 || olderEntries == size ? [] : await ConsistencyAsync(olderEntries, 0, size, true, cancellationToken).ConfigureAwait(false)),
            cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<T> ProveAsync<T>(long size, Func<long, ValueTask<T>> prove, CancellationToken cancellationToken)
    {
        if (size < 0 || size > Head.Entries)
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, $"The ledger has {Head.Entries} entries.");
        }

        await _proving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await FillBlocksAsync(size / Block, cancellationToken).ConfigureAwait(false);
            return await prove(size).ConfigureAwait(false);
        }
        finally
        {
            _proving.Release();
        }
    }

    /// <summary>PATH(m, D[n]) of RFC 6962, section 2.1.1, over leaves from a first one on.</summary>
    private async ValueTask<List<Digest>> PathAsync(long entry, long first, long count, CancellationToken cancellationToken)
    {
        if (count == 1)
        {
            return [];
        }

        long left = LeftOf(count);
        bool isLeft = entry - first < left;
        List<Digest> path = isLeft
            ? await PathAsync(entry, first, left, cancellationToken).ConfigureAwait(false)
            : await PathAsync(entry, first + left, count - left, cancellationToken).ConfigureAwait(false);
        path.Add(isLeft ? await RootAsync(first + left, count - left, cancellationToken).ConfigureAwait(false) : await RootAsync(first, left, cancellationToken).ConfigureAwait(false));
        return path;
    }

    /// <summary>SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2, over leaves from a first one on.</summary>
    private async ValueTask<List<Digest>> ConsistencyAsync(long older, long first, long count, bool known, CancellationToken cancellationToken)
    {
        if (older == count)
        {
            return known ? [] : [await RootAsync(first, count, cancellationToken).ConfigureAwait(false)];
        }

        long left = LeftOf(count);
        bool isLeft = older <= left;
        List<Digest> path = isLeft
            ? await ConsistencyAsync(older, first, left, known, cancellationToken).ConfigureAwait(false)
            : await ConsistencyAsync(older - left, first + left, count - left, false, cancellationToken).ConfigureAwait(false);
        path.Add(isLeft ? await RootAsync(first + left, count - left, cancellationToken).ConfigureAwait(false) : await RootAsync(first, left, cancellationToken).ConfigureAwait(false));
        return path;
    }

    private async ValueTask<Digest> RootAsync(long first, long count, CancellationToken cancellationToken) =>
        count == 0 ? MerkleTree.EmptyRoot : Digest.FromHash(await HashAsync(first, count, cancellationToken).ConfigureAwait(false));

    private async ValueTask<byte[]> HashAsync(long first, long count, CancellationToken cancellationToken)
    {
        if (count == Block && first % Block == 0)
        {
            return _blocks[(int)(first / Block)];
        }

        if (count < Block && BitOperations.IsPow2(count) && first % count == 0)
        {
            List<List<byte[]>> levels = await LevelsAsync(first / Block, cancellationToken).ConfigureAwait(false);
            return levels[BitOperations.Log2((ulong)count)][(int)(first % Block / count)];
        }

        long left = LeftOf(count);
        byte[] one = await HashAsync(first, left, cancellationToken).ConfigureAwait(false);
        byte[] other = await HashAsync(first + left, count - left, cancellationToken).ConfigureAwait(false);
        return MerkleTree.Node(one, other);
    }

    /// <summary>The largest power of two below a number.</summary>
    private static long LeftOf(long count) => 1L << BitOperations.Log2((ulong)(count - 1));

    private async ValueTask FillBlocksAsync(long blocks, CancellationToken cancellationToken)
    {
        var block = new MerkleFrontier();
        await foreach (byte[] leaf in LeafHashesAsync((long)_blocks.Count * Block, blocks * Block, cancellationToken).ConfigureAwait(false))
        {
            block.Add(leaf);
            if (block.Size == Block)
            {
                _blocks.Add(block.Peaks[0]);
                block = new MerkleFrontier();
            }
        }
    }

    /// <summary>The complete subtrees of one block, by size: leaves, pairs, fours, ...</summary>
    private async ValueTask<List<List<byte[]>>> LevelsAsync(long block, CancellationToken cancellationToken)
    {
        long wanted = Math.Min(Block, Head.Entries - (block * Block));
        if (_lastBlock.Block != block || _lastBlock.Levels[0].Count < wanted)
        {
            List<byte[]> level = [];
            await foreach (byte[] leaf in LeafHashesAsync(block * Block, (block * Block) + wanted, cancellationToken).ConfigureAwait(false))
            {
                level.Add(leaf);
            }

            List<List<byte[]>> levels = [level];
            while (level.Count > 1)
            {
                level = [.. Enumerable.Range(0, level.Count / 2).Select(i => MerkleTree.Node(level[2 * i], level[(2 * i) + 1]))];
                levels.Add(level);
            }

            _lastBlock = (block, levels);
        }

        return _lastBlock.Levels;
    }

    private async IAsyncEnumerable<byte[]> LeafHashesAsync(long from, long end, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long next = from; next < end;)
        {
            CommitDocument commit = await CommitOfAsync(next, cancellationToken).ConfigureAwait(false);
            List<Range> lines = CommitCodec.EntryLines(commit.Bytes.Span);
            for (int i = (int)(next - commit.First); i < lines.Count && next < end; i++, next++)
            {
                yield return LeafOf(commit, lines[i]);
            }
        }
    }

    private static byte[] LeafOf(CommitDocument commit, Range line)
    {
        byte[] hash = new byte[MerkleTree.HashBytes];
        MerkleTree.Leaf(commit.Bytes.Span[line], hash);
        return hash;
    }

    private async ValueTask<byte[]> ReadLineAsync(long entry, CancellationToken cancellationToken)
    {
        CommitDocument commit = await CommitOfAsync(entry, cancellationToken).ConfigureAwait(false);
        return commit.Bytes.Span[CommitCodec.EntryLines(commit.Bytes.Span)[(int)(entry - commit.First)]].ToArray();
    }

    /// <summary>Reads the commit that carries an entry.</summary>
    private async ValueTask<CommitDocument> CommitOfAsync(long entry, CancellationToken cancellationToken)
    {
        long? unfolded = null;
        lock (_gate)
        {
            if (entry >= _folded.Entries)
            {
                unfolded = _recent[entry].Commit;
            }
        }

        try
        {
            if (unfolded is { } number)
            {
                return await LoadAsync(number, cancellationToken).ConfigureAwait(false) ?? throw new FormatException("it is missing");
            }

            SegmentDocument segment = await LoadSegmentAsync(PlaceOf(entry), cancellationToken).ConfigureAwait(false);
            return segment.ReadCommit(segment.PositionOf(entry));
        }
        catch (FormatException problem)
        {
            throw new MlopsIntegrityException("ledger.corrupt", $"The commit that carries entry {entry} of the {_store.Description} is not what was written: {problem.Message}. Restore it from a copy.", problem);
        }
    }
}
