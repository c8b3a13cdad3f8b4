#pragma warning disable
using System.Reflection;
namespace Mlops.Sdk.Serving;
internal sealed class RowEncoder<T>
{
    private readonly List<(bool Number, PropertyInfo P)> _slots = [];
    public RowEncoder(ModelSchema schema)
    {
        foreach (var i in schema.Inputs)
        {
            var p = typeof(T).GetProperty(i.Source) ?? throw new MlopsDataException("data.column_missing", $"no member {i.Source}");
            if (i.Kind == InputKind.Text != (p.PropertyType == typeof(string))) throw new MlopsDataException("data.wrong_type", $"member {i.Source} is {p.PropertyType}");
            _slots.Add((i.Kind == InputKind.Number, p));
        }
    }
    public void Encode(T row, Span<float> numbers, Span<string?> texts)
    {
        int n = 0, t = 0;
        foreach (var (number, p) in _slots)
            if (number) numbers[n++] = Convert.ToSingle(p.GetValue(row) ?? float.NaN); else texts[t++] = (string?)p.GetValue(row);
    }
}
internal sealed class OutputBinder<T>
{
    private readonly ConstructorInfo _c; private readonly int[] _i;
    public OutputBinder(ModelSchema schema)
    {
        _c = typeof(T).GetConstructors().First(c => c.GetParameters().Length > 0 && c.GetParameters()[0].ParameterType != typeof(T));
        _i = [.. _c.GetParameters().Select(p => { int i = schema.Outputs.ToList().IndexOf(p.Name!); return i < 0 ? throw new MlopsDataException("data.output_missing", p.Name!) : i; })];
    }
    public T Bind(ReadOnlySpan<float> outputs)
    {
        var a = new object[_i.Length];
        for (int k = 0; k < a.Length; k++) a[k] = Convert.ChangeType(outputs[_i[k]], _c.GetParameters()[k].ParameterType);
        return (T)_c.Invoke(a);
    }
}
