using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlops.Sdk.MLNet;

/// <summary>Asks a stage what it makes of one number, for what its public face does not tell.</summary>
internal static class StageProbe
{
    /// <summary>Runs one stage on a row in which the source column holds the value in every slot.</summary>
    /// <returns>What the stage gives in the output column, shape [slots]; 1 for a scalar.</returns>
    internal static float[] Run(IRowToRowMapper mapper, string source, string output, float value)
    {
        DataViewSchema.Column wanted = mapper.OutputSchema[output];
        using var input = new ConstantRow(mapper.InputSchema, value);
        using DataViewRow row = mapper.GetRow(input, [wanted]);
        if (mapper.InputSchema.GetColumnOrNull(source) is null)
        {
            throw new NotExtractableException($"the column '{source}' is gone");
        }

        if (wanted.Type is VectorDataViewType)
        {
            VBuffer<float> vector = default;
            row.GetGetter<VBuffer<float>>(wanted)(ref vector);
            return [.. vector.DenseValues()];
        }

        float scalar = 0;
        row.GetGetter<float>(wanted)(ref scalar);
        return [scalar];
    }

    private sealed class ConstantRow(DataViewSchema schema, float value) : DataViewRow
    {
        public override long Position => 0;

        public override long Batch => 0;

        public override DataViewSchema Schema => schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = default;

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (column.Type is VectorDataViewType { IsKnownSize: true } vector && typeof(TValue) == typeof(VBuffer<float>))
            {
                var values = new float[vector.Size];
                Array.Fill(values, value);
                ValueGetter<VBuffer<float>> all = (ref VBuffer<float> row) => row = new VBuffer<float>(values.Length, (float[])values.Clone());
                return (ValueGetter<TValue>)(Delegate)all;
            }

            ValueGetter<float> one = (ref float row) => row = value;
            return one as ValueGetter<TValue> ?? throw new NotExtractableException($"the stage reads the column '{column.Name}' as a {typeof(TValue).Name}");
        }
    }
}
