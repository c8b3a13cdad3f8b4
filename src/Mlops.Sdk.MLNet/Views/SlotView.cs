using Microsoft.ML;
using Microsoft.ML.Data;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.MLNet;

/// <summary>Shows an <see cref="EncodedTable"/> to ML.NET: one column per input under its name, and the label. No row objects, no copies.</summary>
internal sealed class SlotView : IDataView
{
    internal const string BinaryLabel = "Label";

    private readonly Delegate[] _makers; // per column: Func<Func<long>, ValueGetter<T>>
    private readonly CancellationToken _cancellation;

    internal SlotView(EncodedTable table, bool[]? binaryLabel = null, float[]? numberLabel = null, CancellationToken cancellation = default)
    {
        var schema = new DataViewSchema.Builder();
        var makers = new List<Delegate>();
        int number = 0;
        int text = 0;
        foreach (ModelInput input in table.Schema.Inputs)
        {
            if (input.Kind == InputKind.Number)
            {
                schema.AddColumn(input.Name, NumberDataViewType.Single);
                makers.Add(OfNumbers(table.Numbers[number++]));
            }
            else
            {
                schema.AddColumn(input.Name, TextDataViewType.Instance);
                makers.Add(OfTexts(table.Texts[text++]));
            }
        }

        if (binaryLabel is not null)
        {
            schema.AddColumn(LabelOf(table.Schema), BooleanDataViewType.Instance);
            makers.Add((Func<Func<long>, ValueGetter<bool>>)(at => (ref bool value) => value = binaryLabel[at()]));
        }
        else if (numberLabel is not null)
        {
            schema.AddColumn(LabelOf(table.Schema), NumberDataViewType.Single);
            makers.Add(OfNumbers(numberLabel));
        }

        Rows = table.Rows;
        Schema = schema.ToSchema();
        _makers = [.. makers];
        _cancellation = cancellation;
    }

    public bool CanShuffle => false;

    public DataViewSchema Schema { get; }

    internal int Rows { get; }

    /// <summary>Gets the name of the label's column: <c>Label</c>, made longer while an input has that name.</summary>
    internal static string LabelOf(ModelSchema schema)
    {
        string name = BinaryLabel;
        while (schema.Inputs.Any(i => i.Name == name))
        {
            name += "_";
        }

        return name;
    }

    public long? GetRowCount() => Rows;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => new Cursor(this, columnsNeeded);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private static Func<Func<long>, ValueGetter<float>> OfNumbers(float[] values) => at => (ref float value) => value = values[at()];

    private static Func<Func<long>, ValueGetter<ReadOnlyMemory<char>>> OfTexts(TextColumn texts)
    {
        ReadOnlyMemory<char>[] dictionary = Array.ConvertAll(texts.Dictionary, t => t.AsMemory());
        return at => (ref ReadOnlyMemory<char> value) =>
        {
            int code = texts.Codes[at()];
            value = code < 0 ? default : dictionary[code];
        };
    }

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly SlotView _view;
        private readonly bool[] _active;
        private readonly Delegate?[] _getters;
        private long _position = -1;

        internal Cursor(SlotView view, IEnumerable<DataViewSchema.Column> needed)
        {
            _view = view;
            _active = new bool[view.Schema.Count];
            _getters = new Delegate?[view.Schema.Count];
            foreach (DataViewSchema.Column column in needed)
            {
                _active[column.Index] = true;
                _getters[column.Index] = (Delegate)view._makers[column.Index].DynamicInvoke((Func<long>)(() => _position))!;
            }
        }

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => _view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _getters[column.Index] as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"The column '{column.Name}' is a {column.Type.RawType.Name} and was asked for as a {typeof(TValue).Name}, or was not asked for when the cursor was made.");

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

        public override bool MoveNext()
        {
            // one of the three ways by which training is cancelled: trainers that read rows stop here
            _view._cancellation.ThrowIfCancellationRequested();
            return ++_position < _view.Rows;
        }
    }
}
