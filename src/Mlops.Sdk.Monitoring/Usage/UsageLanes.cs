using System.Numerics;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counts of calls, many times over, so that threads do not meet (<see cref="LaneGates"/>).</summary>
/// <remarks>
/// Reading claims one lane after the other: a call is wholly in one reading or wholly in the next. Memory is bounded: a lane has at most
/// 4,608 cells, of about 200 bytes and 280 more for each doubling of the time that its calls spread over.
/// </remarks>
internal sealed class UsageLanes(int maxCallers)
{
    private readonly LaneGates _gates = new();
    private readonly Lane?[] _lanes = new Lane?[LaneGates.Count];
    private UsageNames _names = new(maxCallers);
    private long _hour = long.MinValue;
    private long _notCounted;

    /// <summary>Gets how many calls found no cell: that takes thousands of versions in one hour.</summary>
    internal long NotCounted => Volatile.Read(ref _notCounted);

    /// <summary>Gets how many cells all lanes have.</summary>
    internal int Cells => _lanes.Sum(l => l?.Count ?? 0);

    internal void Count(in PredictionCall call, long hour)
    {
        int lane = _gates.Claim();
        try
        {
            if (!(_lanes[lane] ??= new Lane(_names)).Add(call, hour))
            {
                Interlocked.Increment(ref _notCounted);
            }
        }
        finally
        {
            _gates.Release(lane);
        }
    }

    /// <summary>Takes out what was counted since the last time. Not to be called by two threads at once.</summary>
    /// <param name="hour">The hour it is: names and cells of another hour are dropped.</param>
    internal Dictionary<UsageKey, UsageCounts> Take(long hour)
    {
        var total = new Dictionary<UsageKey, UsageCounts>();
        UsageNames names = hour == _hour || _hour == long.MinValue ? _names : new UsageNames(maxCallers);
        (_hour, _names) = (hour, names);
        for (int lane = 0; lane < _lanes.Length; lane++)
        {
            _gates.Claim(lane);
            try
            {
                _lanes[lane]?.Take(total, names);
            }
            finally
            {
                _gates.Release(lane);
            }
        }

        return total;
    }

    private readonly record struct CellKey(int Model, int Version, int Caller, int Error, long Hour)
    {
        internal uint Spread() => (uint)((((((((((ulong)Model * 0x9E3779B1) ^ (uint)Version) * 0x85EBCA77) ^ (uint)Caller) * 0xC2B2AE3D) ^ (uint)Error) * 0x27D4EB2F) ^ (ulong)Hour) * 0x9E3779B97F4A7C15 >> 32);
    }

    private sealed class Cell(CellKey key)
    {
        internal readonly CellKey Key = key;
        internal readonly UsageCounts Counts = new();
    }

    /// <summary>The counts of one lane: a hash table of cells. Used by whoever holds the lane's gate.</summary>
    private sealed class Lane(UsageNames names)
    {
        private const int MaxCells = 4096;
        private const int Spare = 512; // for calls that have to be counted without their caller or error

        private UsageNames _names = names;
        private Cell?[] _cells = new Cell?[64];
        private Cell? _last;

        internal int Count { get; private set; }

        internal bool Add(in PredictionCall call, long hour)
        {
            var key = new CellKey(_names.Models.NumberOf(call.Model), call.Version, _names.Callers.NumberOf(call.Context.Caller), _names.Errors.NumberOf(call.Error), hour);
            if (_last is not { } cell || cell.Key != key)
            {
                cell = Find(key, MaxCells)
                    ?? Find(key with { Caller = key.Caller == NameTable.None ? NameTable.None : NameTable.Other }, MaxCells + (Spare / 2))
                    ?? Find(key with { Caller = NameTable.Other, Error = key.Error == NameTable.None ? NameTable.None : NameTable.Other }, MaxCells + Spare);
                if (cell is null)
                {
                    return false;
                }

                _last = cell;
            }

            cell.Counts.Add(call.Rows, call.Elapsed.Ticks);
            return true;
        }

        /// <summary>Adds the counts to a total and clears them; cells without any go.</summary>
        internal void Take(Dictionary<UsageKey, UsageCounts> total, UsageNames next)
        {
            var busy = new List<Cell>(Count);
            foreach (Cell? cell in _cells)
            {
                if (cell is not { Counts.Calls: > 0 })
                {
                    continue;
                }

                CellKey key = cell.Key;
                ref UsageCounts? sum = ref CollectionsMarshal.GetValueRefOrAddDefault(
                    total, new UsageKey(key.Hour, _names.Models.NameOf(key.Model)!, key.Version, _names.Callers.NameOf(key.Caller), _names.Errors.NameOf(key.Error)), out _);
                (sum ??= new UsageCounts()).Add(cell.Counts);
                cell.Counts.Clear();
                busy.Add(cell);
            }

            if (!ReferenceEquals(next, _names))
            {
                _names = next; // the numbers in the cells are those of the old names
                Rebuild([]);
            }
            else if (busy.Count < Count / 2)
            {
                Rebuild([.. busy]);
            }
        }

        private Cell? Find(CellKey key, int limit)
        {
            int at = (int)key.Spread() & (_cells.Length - 1);
            for (; _cells[at] is { } cell; at = (at + 1) & (_cells.Length - 1))
            {
                if (cell.Key == key)
                {
                    return cell;
                }
            }

            if (Count >= limit)
            {
                return null;
            }

            var added = new Cell(key);
            if ((Count + 1) * 2 > _cells.Length)
            {
                Rebuild([.. _cells.OfType<Cell>(), added]);
            }
            else
            {
                _cells[at] = added;
                Count++;
            }

            return added;
        }

        private void Rebuild(Cell[] cells)
        {
            _cells = new Cell?[Math.Max(64, (int)BitOperations.RoundUpToPowerOf2((uint)cells.Length * 2))];
            foreach (Cell cell in cells)
            {
                int at = (int)cell.Key.Spread() & (_cells.Length - 1);
                while (_cells[at] is not null)
                {
                    at = (at + 1) & (_cells.Length - 1);
                }

                _cells[at] = cell;
            }

            Count = cells.Length;
            _last = null;
        }
    }
}
