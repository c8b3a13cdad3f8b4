using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlops.Sdk.Comparisons;

/// <summary>Scores by ML.NET's own row mapper on a row that each thread keeps.</summary>
internal sealed class RowMapperFormat : IModelFormat
{
    public const string FormatName = "row-mapper";

    public string Name => FormatName;

    public async ValueTask<ILoadedModel> LoadAsync(ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default)
    {
        byte[] zip = await artifacts.ReadAsync(manifest.Files[0].Digest, 64 << 20, cancellationToken);
        using var stream = new MemoryStream(zip, writable: false);
        ITransformer model = new MLContext().Model.Load(stream, out DataViewSchema schema);
        return new Model(model, schema, manifest.Schema);
    }

    private sealed class Model : ILoadedModel
    {
        private readonly ThreadLocal<Bound> _bound;

        public Model(ITransformer model, DataViewSchema columns, ModelSchema schema)
        {
            Schema = schema;
            _bound = new ThreadLocal<Bound>(() => new Bound(model.GetRowToRowMapper(columns), columns, schema), trackAllValues: true);
        }

        public ModelSchema Schema { get; }

        public string Scorer => "row-mapper";

        public void Score(in ModelRow row, Span<float> outputs) => _bound.Value!.Score(row, outputs);

        public void Dispose()
        {
            foreach (Bound bound in _bound.Values)
            {
                bound.Dispose();
            }

            _bound.Dispose();
        }
    }

    private sealed class Bound : IDisposable
    {
        private readonly SlotRow _row;
        private readonly ValueGetter<float>[] _floats;
        private readonly ValueGetter<bool>?[] _bools;

        public Bound(IRowToRowMapper mapper, DataViewSchema columns, ModelSchema schema)
        {
            _row = new SlotRow(columns, schema);
            DataViewSchema.Column[] outputs = [.. schema.Outputs.Select(o => mapper.OutputSchema[o])];
            DataViewRow scored = mapper.GetRow(_row, outputs);
            _floats = new ValueGetter<float>[outputs.Length];
            _bools = new ValueGetter<bool>?[outputs.Length];
            for (int i = 0; i < outputs.Length; i++)
            {
                if (outputs[i].Type is BooleanDataViewType)
                {
                    _bools[i] = scored.GetGetter<bool>(outputs[i]);
                }
                else
                {
                    _floats[i] = scored.GetGetter<float>(outputs[i]);
                }
            }
        }

        public void Dispose() => _row.Dispose();

        public void Score(in ModelRow row, Span<float> outputs)
        {
            _row.Take(row);
            for (int i = 0; i < outputs.Length; i++)
            {
                if (_bools[i] is { } get)
                {
                    bool value = false;
                    get(ref value);
                    outputs[i] = value ? 1 : 0;
                }
                else
                {
                    _floats[i](ref outputs[i]);
                }
            }
        }
    }

    /// <summary>A row of slots as ML.NET sees one; a column that is no input, such as the label, has its default value.</summary>
    private sealed class SlotRow(DataViewSchema columns, ModelSchema schema) : DataViewRow
    {
        private readonly float[] _numbers = new float[schema.Inputs.Count(i => i.Kind == InputKind.Number)];
        private readonly string?[] _texts = new string?[schema.Inputs.Count(i => i.Kind == InputKind.Text)];
        private long _position;

        public override DataViewSchema Schema => columns;

        public override long Position => _position;

        public override long Batch => 0;

        public void Take(in ModelRow row)
        {
            row.Numbers.CopyTo(_numbers);
            row.Texts.CopyTo(_texts);
            _position++;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            int number = Slot(column, InputKind.Number);
            int text = Slot(column, InputKind.Text);
            Delegate getter = number >= 0 ? (ValueGetter<float>)((ref float value) => value = _numbers[number])
                : text >= 0 ? (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = _texts[text].AsMemory())
                : (ValueGetter<TValue>)((ref TValue value) => value = default!);
            return (ValueGetter<TValue>)getter;
        }

        private int Slot(DataViewSchema.Column column, InputKind kind) => schema.Inputs.Where(i => i.Kind == kind).ToList().FindIndex(i => i.Name == column.Name);
    }
}
